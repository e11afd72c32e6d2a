# The operator's image: one static binary, and the authorities that it trusts by default. `make image` builds it without
# Docker. With Docker: `scripts/image --files`, then `docker build --file Dockerfile dist`.
FROM scratch
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY registry-retention /usr/bin/registry-retention
USER 65532:65532
ENTRYPOINT ["/usr/bin/registry-retention"]
