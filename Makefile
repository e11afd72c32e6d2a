SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help check test bench bench-cluster registries demo demo-down demo-cluster demo-cluster-down manifests image cluster cluster-down kubectl clean-cache

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check: ## Format, lints and the tests that need no registry (quick)
	@scripts/check

test: ## Every test, on real registries; closes with N passed, N failed, N skipped
	@scripts/test

bench-cluster: ## For how long a registry is read-only in a collection, and the operator's own share of it, at most 2 s (needs root)
	@cargo bench --quiet --bench collect

bench: ## Deciding on 10,000 tags, at most 0.5 s of CPU; reading a storage of 100,000 manifests, at most 1.5 times `find`
	@cargo bench --quiet --bench decide --bench inventory

registries: ## Put the registries and object stores that tests run against into the cache
	@scripts/registries
	@scripts/s3
	@scripts/gcs
	@scripts/azure

demo: ## Start the demonstration
	@scripts/demo

demo-down: ## Stop the demonstration and remove what it made
	@scripts/demo-down

demo-cluster: ## Start the demonstration on Kubernetes: one of its own, or CLUSTER=current IMAGE=repository:tag
	@scripts/demo-cluster

demo-cluster-down: ## Stop that demonstration and remove what it made
	@scripts/demo-cluster down

manifests: ## Make the CRDs, the chart's copy of them, and the plain manifests
	@for crd in registrycollections registryretentions; do \
	  cargo run --quiet -- crd "$$crd" >"crds/$$crd.registry-retention.dev.yaml" || exit; done
	@cp crds/*.yaml charts/registry-retention/files/crds/
	@scripts/manifests >deploy/registry-retention.yaml.new
	@mv deploy/registry-retention.yaml.new deploy/registry-retention.yaml

image: ## Build the operator's image, localhost/registry-retention:test, without Docker
	@scripts/image

cluster: ## Start a Kubernetes of one node on this machine, with the operator's image on it (needs root)
	@scripts/cluster up --image "$$(scripts/image)"
	@echo 'It is up.'
	@echo '  make kubectl ARGS="get pods -A"'
	@echo '  scripts/cluster exec -- bash      a shell on its network, with kubectl and helm'
	@echo '  make cluster-down                 ends it'

cluster-down: ## End that cluster; nothing of it is left
	@scripts/cluster down

kubectl: ## Run kubectl on that cluster: make kubectl ARGS="get pods -A"
	@scripts/cluster exec -- kubectl $(ARGS)

clean-cache: ## Remove what tests keep outside the clone
	@. scripts/cache.sh && rm -rf "$$cache"
