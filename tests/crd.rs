#[test]
fn show() {
    std::fs::write("/tmp/rr/crd.yaml", registry_retention::api::crd_yaml()).unwrap();
}
