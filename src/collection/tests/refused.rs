use super::*;

fn reason(pod: &Value, claims: &Claims, nodes: &[&str]) -> (&'static str, String) {
    let refusal = inventory(&deployment(pod), claims, nodes).expect_err("it is refused");
    (refusal.reason(), refusal.to_string())
}

#[test]
fn the_registrys_container_is_the_named_one_the_only_one_or_the_one_named_registry() {
    let of = |names: &[&str], named: Option<&str>| {
        let containers: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
        let deployment = deployment(&json!({"containers": containers}));
        let template = Template::of(&deployment, named, None);
        template.map(|template| template.container.name.clone()).map_err(|refusal| refusal.to_string())
    };
    for (names, named, expected) in [
        (&["main"][..], None, "main"),
        (&["proxy", "registry"], None, "registry"),
        (&["proxy", "registry"], Some("proxy"), "proxy"),
    ] {
        assert_eq!(of(names, named).as_deref(), Ok(expected), "{names:?} {named:?}");
    }
    for (names, named, part) in [
        (&["proxy", "main"][..], None, "several containers (proxy, main)"),
        (&["proxy", "registry"], Some("main"), "no container main; name one of proxy, registry"),
        (&[], None, "several containers"),
    ] {
        let error = of(names, named).unwrap_err();
        assert!(error.contains(part) && error.contains("Deployment registry"), "{error}");
    }
}

#[test]
fn how_it_is_started_must_be_understood() {
    let of = |container: Value, said: Option<&str>| {
        let deployment = deployment(&of_container(container, &json!([])));
        let template = Template::of(&deployment, None, said);
        template.map(|it| (it.entry_point.executable, it.entry_point.configuration)).map_err(|it| it.reason())
    };
    let found = |executable: Option<&str>, file: Option<&str>| Ok((executable.map(Into::into), file.map(Into::into)));
    let variable = json!([{"name": "REGISTRY_CONFIGURATION_PATH", "value": "/v"}]);
    let unknown = || Err("EntryPointUnknown");
    for (container, said, expected) in [
        (json!({}), None, found(None, None)),
        (json!({"args": ["/c.yml"]}), None, found(None, Some("/c.yml"))),
        (json!({"args": ["serve", "/c"]}), None, found(None, Some("/c"))),
        (
            json!({"command": ["/bin/registry"], "args": ["serve", "/c"]}),
            None,
            found(Some("/bin/registry"), Some("/c")),
        ),
        (json!({"command": ["registry", "serve", "/c"]}), None, found(Some("registry"), Some("/c"))),
        (json!({"args": ["/bin/registry", "serve", "/c"]}), None, found(Some("/bin/registry"), Some("/c"))),
        (json!({"command": ["registry", "serve"], "env": variable}), None, found(Some("registry"), None)),
        (json!({"args": ["/c.yml"]}), Some("/said"), found(None, Some("/said"))),
        (json!({"command": ["sh", "-c", "registry serve /c"]}), Some("/said"), found(None, Some("/said"))),
        (json!({"command": ["sh", "-c", "registry serve /c"]}), None, unknown()),
        (json!({"command": ["registry", "serve"]}), None, unknown()),
        (json!({"command": ["registry", "garbage-collect", "/c"]}), None, unknown()),
        (json!({"command": ["registry", "serve", "--help"]}), None, unknown()),
        (json!({"command": ["/entrypoint.sh"]}), None, unknown()),
        (json!({"args": ["/c.conf"]}), None, unknown()),
        (json!({"args": ["serve"]}), None, unknown()),
    ] {
        assert_eq!(of(container.clone(), said), expected, "{container} {said:?}");
    }
}

#[test]
fn a_storage_of_the_pod_alone_is_refused_where_the_template_shows_it() {
    let mounted = |path: &str, volume: &Value, more: &Value| {
        let mut volume = volume.clone();
        volume["name"] = json!("data");
        let mut container = more.clone();
        container["volumeMounts"] = json!([{"name": "data", "mountPath": path}]);
        inventory(&deployment(&of_container(container, &json!([volume]))), &one_node(), &["a"])
            .map_err(|it| it.to_string())
    };
    let root = |path: &str| json!({"env": [{"name": "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", "value": path}]});
    let empty_dir = json!({"emptyDir": {}});
    for (path, volume, more, kind) in [
        ("/var/lib/registry", &empty_dir, &json!({}), "emptyDir"),
        ("/var/lib", &empty_dir, &json!({}), "emptyDir"),
        (
            "/var/lib/registry/",
            &json!({"ephemeral": {}}),
            &json!({"args": ["/etc/distribution/config.yml"]}),
            "ephemeral",
        ),
        ("/srv", &empty_dir, &root("/srv/store"), "emptyDir"),
        ("/srv", &json!({"csi": {"driver": "x"}}), &root("/srv"), "csi"),
        ("/srv", &json!({"newVolume": {}}), &root("/srv"), "not known to be shared"),
    ] {
        let error = mounted(path, volume, more).expect_err(path);
        assert!(error.contains(kind) && error.contains("on its volume data"), "{error}");
    }
    // Elsewhere, or perhaps elsewhere; then the program in the pod finds out.
    let s3 = json!({"env": [{"name": "REGISTRY_STORAGE_S3_BUCKET", "value": "b"}]});
    let from = json!({"envFrom": [{"secretRef": {"name": "s3"}}]});
    for (path, volume, more) in [
        ("/var/lib/registry", &json!({"persistentVolumeClaim": {"claimName": "data"}}), &json!({})),
        ("/var/lib/registry2", &empty_dir, &json!({})),
        ("/tmp", &empty_dir, &json!({})),
        ("/var/lib/registry", &empty_dir, &s3),
        ("/var/lib/registry", &empty_dir, &from),
        ("/var/lib/registry", &empty_dir, &json!({"args": ["/mine.yml"]})),
        ("/var/lib/registry", &empty_dir, &root("/srv")),
        ("/var/lib/registry", &empty_dir, &root("$(ROOT)")),
    ] {
        assert!(mounted(path, volume, more).is_ok(), "{path} {volume} {more}");
    }
    // A configuration of one's own may name any driver.
    let mut pod = of_container(json!({}), &json!([{"name": "data", "emptyDir": {}}, {"name": "c", "configMap": {}}]));
    pod["containers"][0]["volumeMounts"] = json!([
        {"name": "data", "mountPath": "/var/lib/registry"},
        {"name": "c", "mountPath": "/etc/distribution/config.yml", "subPath": "x"},
    ]);
    assert!(inventory(&deployment(&pod), &Claims::new(), &[]).is_ok());
}

#[test]
fn volumes_that_no_second_pod_reaches_are_refused() {
    let claim = || with_claim(json!({}));
    let of = |mode| [("data".to_owned(), mode)].into();
    assert_eq!(reason(&claim(), &of(AccessMode::OnePod), &["a"]).0, "StoreOfOnePod");
    assert!(inventory(&deployment(&claim()), &of(AccessMode::OnePod), &[]).is_ok());
    let (code, text) = reason(&claim(), &Claims::new(), &["a"]);
    assert!(code == "ClaimNotFound" && text.contains("the claim data"), "{text}");
    let host_path = || {
        let mut pod = claim();
        pod["volumes"] = json!([{"name": "data", "hostPath": {"path": "/srv"}}]);
        pod
    };
    for nodes in [&[][..], &["a", "b"]] {
        let (code, text) = reason(&host_path(), &Claims::new(), nodes);
        assert!(code == "NodeUnclear" && text.contains("hostPath"), "{text}");
    }
    assert!(inventory(&deployment(&host_path()), &Claims::new(), &["a"]).is_ok());
}
