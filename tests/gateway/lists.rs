//! The list of models in each client's own shape.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{World, json_of};

async fn get(world: &World, path: &str, header: (&str, &str)) -> Value {
    json_of(world.request(Method::GET, path).header(header.0, header.1).send().await.unwrap()).await
}

fn names<'a>(list: &'a Value, field: &str, name: &str) -> Vec<&'a str> {
    list[field].as_array().unwrap().iter().map(|model| model[name].as_str().unwrap()).collect()
}

#[tokio::test]
async fn anthropics_clients_find_their_own_shape_and_pages() {
    let (world, _demo) = World::with_demo().await;
    let version = ("anthropic-version", "2023-06-01");
    let all = get(&world, "/v1/models", version).await;
    let ids = names(&all, "data", "id");
    assert!(ids.contains(&"main/demo-fast") && all["data"][0]["type"] == "model", "{all}");
    assert_eq!((&all["has_more"], &all["last_id"]), (&json!(false), &json!(ids[ids.len() - 1])));
    let mut paged = Vec::new();
    let mut after = String::new();
    loop {
        let page = get(&world, &format!("/v1/models?limit=2&after_id={after}"), version).await;
        paged.extend(names(&page, "data", "id").iter().map(ToString::to_string));
        page["last_id"].as_str().unwrap().clone_into(&mut after);
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(paged, ids);
    let one = get(&world, "/v1/models/main/demo-fast", version).await;
    assert_eq!((&one["type"], &one["id"]), (&json!("model"), &json!("main/demo-fast")));
}

#[tokio::test]
async fn googles_clients_find_theirs_under_both_versions() {
    let (world, _demo) = World::with_demo().await;
    let key = ("x-goog-api-key", world.token.as_str());
    for path in ["/v1beta/models", "/v1/models"] {
        let all = get(&world, path, key).await;
        let ids = names(&all, "models", "name");
        assert!(ids.contains(&"models/main/demo-fast"), "{all}");
        let methods = &all["models"][0]["supportedGenerationMethods"];
        assert!(methods.as_array().unwrap().contains(&json!("generateContent")), "{methods}");
        let first = get(&world, &format!("{path}?pageSize=1"), key).await;
        let next = first["nextPageToken"].as_str().unwrap();
        let second = get(&world, &format!("{path}?pageSize=1&pageToken={next}"), key).await;
        assert_eq!(names(&second, "models", "name"), [ids[1]]);
        let one = get(&world, &format!("{path}/main/demo-fast"), key).await;
        assert_eq!(one["name"], "models/main/demo-fast");
    }
    let ghost = world.request(Method::GET, "/v1beta/models/ghost").send().await.unwrap();
    assert_eq!(ghost.status(), 404);
    assert_eq!(json_of(ghost).await["error"]["status"], "NOT_FOUND");
}
