use serde_json::json;

use super::super::plan::{Document, choose, lines};
use super::*;

/// What `line` shows for people.
async fn shown(server: &ApiServer, line: &str) -> Result<String, PluginError> {
    let Command::Plan(args) = parse(line) else { panic!("{line} is no plan") };
    let desk = desk(server);
    let subject = desk.get(&args.name).await?;
    let chosen = choose(&desk, &subject, &args, now())?;
    let record = desk.plan(&subject.key, chosen.reference).await?;
    let wide = args.output == crate::cli::args::PlanOutput::Wide;
    Ok(lines(&desk, &subject, &chosen, &record, wide).join("\n"))
}

/// A cluster with a plan of the last run, and one that waits, which is only a part.
fn with_plans() -> ApiServer {
    let server = cluster();
    let whole = record(&[]);
    let bound = whole.stored(now()).entries.into_iter().take(1).collect();
    let (all, part) = (
        store(&server, &whole, "2026-11-22T03:00:00Z"),
        store(&server, &whole.within(&bound, vec![LIMIT]), "2026-11-22T03:00:00Z"),
    );
    let mut status = after("Enforce", "Succeeded", "deleted");
    status["lastRun"]["plan"] = all;
    status["waiting"] = waiting(&part, "2026-11-22T03:00:00Z");
    put(&server, &spec("Enforce"), &status);
    server
}

#[tokio::test]
async fn what_goes_is_shown_with_why_and_what_stays_as_counts() {
    insta::assert_snapshot!(shown(&with_plans(), "plan team").await.unwrap());
}

#[tokio::test]
async fn wide_has_every_tag() {
    let wide = shown(&with_plans(), "plan team -o wide").await.unwrap();
    assert!(wide.contains("\n  latest  keep     Protected") && wide.contains("sha256:"), "{wide}");
}

#[test]
fn programs_get_the_record_as_it_is_stored() {
    let record = record(&[LIMIT]);
    let json = crate::cli::plan::json(&Document::of(&record)).unwrap();
    let read: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&read["hash"], &read["counts"]["condemned"]), (&json!(record.header.hash.as_str()), &json!(2)));
    assert_eq!((&read["tags"][1]["tag"], &read["tags"][1]["reason"]), (&json!("pr-1"), &json!("NoLongerKept")));
    assert_eq!(read["causes"][0]["reason"], "MaxDeletePercent");
    let yaml = crate::cli::plan::yaml(&Document::of(&record)).unwrap();
    assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), read);
}

#[tokio::test]
async fn after_a_run_the_plan_is_of_what_that_left_and_what_it_did_can_be_asked_for() {
    let server = with_plans();
    let whole = record(&[]);
    let left = store(&server, &whole.within(&BTreeSet::new(), Vec::new()), "2026-11-22T03:00:12Z");
    let mut status = after("Enforce", "Succeeded", "deleted");
    status["lastRun"]["plan"] = store(&server, &whole, "2026-11-22T03:00:00Z");
    status["plan"] = left.clone();
    put(&server, &spec("Enforce"), &status);
    let hash = |plan: &Value| plan["hash"].as_str().unwrap().to_owned();
    let newest = shown(&server, "plan team").await.unwrap();
    assert!(newest.starts_with(&format!("registry/team: the newest plan, {}", &hash(&left)[..12])), "{newest}");
    let last = shown(&server, "plan team --last-run").await.unwrap();
    assert!(last.contains(&format!(" ago, {}", &hash(&status["lastRun"]["plan"])[..12])), "{last}");
}

#[tokio::test]
async fn what_waits_is_shown_with_the_command_that_accepts_it() {
    insta::assert_snapshot!(shown(&with_plans(), "plan team --waiting").await.unwrap());
}

#[tokio::test]
async fn a_plan_that_is_not_there_is_said() {
    let server = with_plans();
    for (line, why) in [
        ("plan team --running", "no run is in progress\nNext: kubectl registry-retention status team -n registry"),
        ("plan other", "there is no RegistryRetention other in namespace registry"),
    ] {
        let error = shown(&server, line).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let mut status = after("Enforce", "Succeeded", "deleted");
    status["lastRun"]["plan"] = json!({"configMaps": ["gone-1"], "hash": "00"});
    put(&server, &spec("Enforce"), &status);
    let error = shown(&server, "plan team").await.unwrap_err().to_string();
    assert!(error.contains("is gone, or is not what was stored (ConfigMaps gone-1)"), "{error}");
}
