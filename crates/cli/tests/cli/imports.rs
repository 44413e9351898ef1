//! `patchbay import`: what other programs' settings say becomes connections; first told, then made, and never printed.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Done, Program, parse};
use crate::secrets::files_with;
use crate::upstream::{Demo, ModelServer};

const CANARY: &str = "sk-canary-77d0e24b583f9a1c-Qw7E";
const OTHER: &str = "sk-other-c0ffee5d1f0b9c77-Zz9A";

struct Scene {
    program: Program,
    demo: Demo,
    folder: TempDir,
}

fn scene() -> Scene {
    Scene {
        program: Program::with_file(),
        demo: Demo::start(Some(CANARY)),
        folder: tempfile::tempdir().unwrap(),
    }
}

impl Scene {
    fn write(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn json(&self, args: &[&str]) -> Value {
        self.program.json(&[&["import"], args].concat())
    }

    fn keys(&self) -> Vec<String> {
        let all = self.program.json(&["connections", "list"]);
        all.as_array().unwrap().iter().map(|c| c["key"].as_str().unwrap().to_owned()).collect()
    }
}

fn told(import: &Value, field: &str) -> Vec<String> {
    let list = |section: &str| import[section].as_array().unwrap().clone();
    let section = if field == "what" { "skipped" } else { "connections" };
    list(section).iter().map(|one| one[field].as_str().unwrap_or("-").to_owned()).collect()
}

#[test]
fn x1_a_dotenv_file_becomes_connections_whose_keys_work() {
    let scene = scene();
    let text = format!(
        "# bot\nexport DESK_OPENAI_API_KEY={CANARY}\nDESK_OPENAI_BASE_URL={}\nGROQ_API_KEY='{OTHER}'\nBINANCE_API_KEY=x\nMODE=live\n",
        scene.demo.url()
    );
    let file = scene.write("bot.env", &text);
    let plan = scene.json(&[&file, "--dry-run"]);
    assert_eq!(told(&plan, "key"), ["other_desk", "groq"]);
    assert_eq!(told(&plan, "key_from"), ["DESK_OPENAI_API_KEY", "GROQ_API_KEY"]);
    assert_eq!(told(&plan, "what"), ["BINANCE_API_KEY"]);
    assert_eq!(scene.keys(), Vec::<String>::new(), "a dry run makes nothing");

    let made = scene.json(&[&file]);
    assert_eq!(made, plan, "what was told is what is made");
    scene.program.ok(&["connections", "edit", "other_desk", "--model", "demo-fast"]);
    assert_eq!(scene.program.run(&["connections", "test", "other_desk"]).code, 0, "with its key");
    let shown = scene.program.ok(&["connections", "show", "groq"]);
    assert!(shown.contains("Zz9A") && shown.contains("untested"), "{shown}");

    let again = scene.json(&[&file]);
    assert_eq!(told(&again, "key"), Vec::<String>::new(), "twice is once");
    let twice = scene.json(&[&file, "--only", "GROQ_API_KEY"]);
    assert_eq!(told(&twice, "key"), Vec::<String>::new(), "its key is in use there");
    let unknown = scene.program.run(&["import", &file, "--only", "NOBODY"]);
    assert_eq!(unknown.code, 1, "{unknown:?}");

    let log = scene.program.json(&["audit", "list", "--where", "actor=import"]);
    let actions: Vec<&str> =
        log["entries"].as_array().unwrap().iter().rev().map(|e| e["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["import", "create", "stage", "activate", "create", "stage", "activate"]);
    for canary in [CANARY, OTHER] {
        assert_eq!(files_with(&scene.program.data, canary), Vec::<String>::new());
        assert!(![&plan, &made, &log].iter().any(|document| document.to_string().contains(canary)));
    }
}

#[test]
fn x1_the_environment_is_read_by_name_and_its_keys_only_when_they_are_added() {
    let scene = scene();
    let run = |args: &[&str]| -> Done {
        scene.program.run_with("NIGHT_ANTHROPIC_API_KEY", CANARY, &[&["--json"], args].concat(), "")
    };
    let plan = parse(&run(&["import", "--env", "--dry-run", "--only", "x"]).out);
    assert!(told(&plan, "name").contains(&"Anthropic night".to_owned()), "{plan}");
    let made = run(&["import", "--env", "--only", "NIGHT_ANTHROPIC_API_KEY"]);
    assert_eq!(
        (made.code, told(&parse(&made.out), "key")),
        (0, vec!["anthropic_night".to_owned()]),
        "{made:?}"
    );
    let credential = &scene.program.json(&["connections", "show", "anthropic_night"])["credential"];
    assert_eq!(credential["tail"], "Qw7E");
    assert!(!made.out.contains(CANARY) && !made.err.contains(CANARY));
}

/// Two accounts of one server, the second without a key that works there.
fn litellm(scene: &Scene) -> String {
    let url = scene.demo.url();
    let text = format!(
        "model_list:
  - model_name: fast
    litellm_params:
      model: openai/demo-fast
      api_base: {url}
      api_key: os.environ/HOUSE_KEY
      rpm: 60
  - model_name: deep
    litellm_params: {{ model: openai/demo-deep, api_base: \"{url}\", api_key: os.environ/HOUSE_KEY, rpm: 30, tpm: 9000 }}
  - model_name: claude
    litellm_params: {{ model: anthropic/claude-haiku-4-5, api_key: {OTHER} }}
  - model_name: claude-haiku-4-5
    litellm_params: {{ model: anthropic/claude-haiku-4-5, api_key: {OTHER} }}
  - model_name: az
    litellm_params: {{ model: azure/gpt-4o }}
  - model_name: gpt-4o
    litellm_params: {{ model: openai/demo-fast, api_base: \"{url}\", api_key: os.environ/OLD_KEY }}
  - model_name: gpt-4o
    litellm_params: {{ model: openai/demo-deep, api_base: \"{url}\", api_key: os.environ/HOUSE_KEY }}
router_settings:
  num_retries: 2
"
    );
    scene.write(".env", &format!("HOUSE_KEY={CANARY}\nOLD_KEY=sk-refused-0000000000000000\n"));
    scene.write("config.yaml", &text)
}

#[test]
fn x1_a_configuration_of_litellm_becomes_connections() {
    let scene = scene();
    let file = litellm(&scene);
    let plan = scene.json(&[&file, "--dry-run"]);
    let made = scene.json(&[&file]);
    assert_eq!(made, plan, "what was told is what is made");
    assert_eq!(told(&made, "key"), ["other", "anthropic", "other_2"]);
    assert_eq!(told(&made, "key_from"), ["HOUSE_KEY", "the file", "OLD_KEY"]);
    assert_eq!(told(&made, "what"), ["model_list 5: az", "router_settings"]);
    assert_eq!(scene.program.run(&["connections", "test", "other"]).code, 0, "its key comes from .env");
    let export = scene.folder.path().join("desk.json").display().to_string();
    scene.program.ok(&["export", &export]);
    let document: Value = parse(&fs::read_to_string(&export).unwrap());
    let other =
        document["connections"].as_array().unwrap().iter().find(|c| c["connection_key"] == "other").unwrap();
    assert_eq!((&other["rate_limit_per_minute"], &other["tokens_per_minute"]), (&json!(30), &json!(9000)));
    assert_eq!(files_with(&scene.program.data, OTHER), Vec::<String>::new());
}

#[test]
fn x1_bots_keep_the_model_names_that_litellm_gave_them() {
    let scene = scene();
    let file = litellm(&scene);
    let made = scene.json(&[&file]);
    let steps: Vec<String> = made["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| format!("{} {} > {}", s["kind"], s["name"], s["changes"][0]["after"]).replace('"', ""))
        .collect();
    assert_eq!(
        steps,
        [
            "alias fast > other/demo-fast",
            "alias deep > other/demo-deep",
            "alias claude > anthropic/claude-haiku-4-5",
            "profile gpt-4o > other_2/demo-fast → other/demo-deep",
        ],
        "a name that leads there by itself needs nothing"
    );
    let served = |model: &str| {
        let log = scene.program.json(&["run", "--model", model, "Is EURUSD a buy?"]);
        format!("{}/{}", log["connection"], log["model"]).replace('"', "")
    };
    scene.program.ok(&["connections", "test", "other"]);
    assert_eq!(served("fast"), "other/demo-fast");
    assert_ne!(scene.program.run(&["connections", "test", "other_2"]).code, 0, "its key is refused");
    assert_eq!(served("gpt-4o"), "other/demo-deep", "so the second place answers");

    let again = scene.json(&[&file]);
    assert_eq!((&again["connections"], &again["steps"]), (&json!([]), &json!([])), "twice is once");
    let log = scene.program.json(&["audit", "list", "--where", "actor=import"]);
    let entries = log["entries"].as_array().unwrap();
    for (kind, name) in [("model", "fast"), ("profile", "gpt-4o")] {
        assert!(entries.iter().any(|e| e["kind"] == kind && e["name"] == name), "{kind} {name}: {log}");
    }
}

#[test]
fn x1_names_follow_the_connections_that_are_chosen() {
    let scene = scene();
    let file = litellm(&scene);
    let names = |made: &Value| -> Vec<String> {
        made["steps"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap().to_owned()).collect()
    };
    let is_left = |made: &Value, what: &str, why: &str| {
        let told = |left: &Value| left["what"] == what && left["why"].as_str().unwrap().contains(why);
        assert!(made["skipped"].as_array().unwrap().iter().any(told), "{what}: {made}");
    };
    let first = scene.json(&[&file, "--only", "claude"]);
    assert_eq!(names(&first), ["claude"]);
    is_left(&first, "fast", "chosen");
    is_left(&first, "gpt-4o", "chosen");
    scene.program.ok(&["aliases", "set", "deep", "anthropic/claude-haiku-4-5"]);
    let second = scene.json(&[&file, "--only", "fast"]);
    assert_eq!(names(&second), ["fast", "gpt-4o"], "of two places one is there");
    is_left(&second, "deep", "alias already");
    let aliases = scene.program.json(&["aliases", "list"]);
    let is_there = |alias: &&Value| alias["alias"] == "gpt-4o" && alias["target"] == "other/demo-deep";
    assert!(aliases.as_array().unwrap().iter().any(|alias| is_there(&alias)), "{aliases}");
}

#[test]
fn x1_a_model_server_on_this_machine_is_found_where_it_says_that_it_is() {
    let program = Program::with_file();
    let demo = Demo::start(None);
    let found = |args: &[&str]| -> Value {
        let url = demo.url().trim_end_matches("/v1");
        let done =
            program.run_with("OLLAMA_HOST", url, &[&["--json", "import", "--found"], args].concat(), "");
        assert_eq!(done.code, 0, "{done:?}");
        parse(&done.out)
    };
    let origin = format!("Ollama at {}", demo.url());
    let plan = found(&["--dry-run"]);
    let own = plan["connections"].as_array().unwrap().iter().find(|one| one["origin"] == origin).unwrap();
    assert_eq!((&own["provider"], &own["base_url"]), (&json!("ollama"), &json!(demo.url())));
    assert_eq!((&own["key_from"], own["models"].as_u64().unwrap() > 1), (&Value::Null, true), "{own}");
    let made = found(&["--only", &origin]);
    let key = told(&made, "key")[0].clone();
    assert_eq!(program.run(&["connections", "test", &key, "--spend"]).code, 0, "it answers");
    assert_eq!(told(&found(&["--only", &origin]), "clash"), ["Ollama"], "once more only where it is chosen");

    let gone = demo.url().to_owned();
    drop(demo);
    let url = gone.trim_end_matches("/v1");
    let done = program.run_with("OLLAMA_HOST", url, &["--json", "import", "--found", "--dry-run"], "");
    assert!(!done.out.contains(&gone), "one that does not run is not found: {done:?}");
}

/// On the very ports that are looked at; where something else has one already, that server is left alone.
#[test]
fn x1_model_servers_are_found_at_their_well_known_ports() {
    for (port, name) in [(11_434, "Ollama"), (1_234, "LM Studio")] {
        let Some(server) = ModelServer::start(port) else {
            println!("skipped {name}: port {port} is taken on this machine");
            continue;
        };
        let program = Program::with_file();
        let plan = program.json(&["import", "--found", "--dry-run"]);
        let own = plan["connections"].as_array().unwrap().iter().find(|one| one["origin"] == name).unwrap();
        assert_eq!((&own["default_model"], &own["models"]), (&json!("llama3.2:3b"), &json!(2)), "{plan}");
        program.ok(&["import", "--found", "--only", name]);
        assert_eq!(program.json(&["connections", "list"])[0]["base_url"], server.base_url());
        assert!(server.asked().iter().all(|line| line == "GET /v1/models HTTP/1.1"), "{:?}", server.asked());
    }
}

#[test]
fn x1_what_is_no_file_of_settings_is_refused_and_says_why() {
    let scene = scene();
    for (name, text, why) in [
        ("empty.env", "", "NAME=value"),
        ("prose.txt", "Dear reader,\nnothing is here.\n", "NAME=value"),
        ("bad.yaml", "model_list:\n  - [sk-canary\n b: }", "no YAML"),
        ("other.yaml", "services:\n  web: {}\n", "model_list"),
    ] {
        let refused = scene.program.run(&["import", &scene.write(name, text)]);
        assert!(refused.code == 2 && refused.err.contains(why), "{name}: {refused:?}");
        assert!(!refused.err.contains("sk-canary"), "{name}");
    }
    assert_ne!(scene.program.run(&["import", "/nowhere/at/all"]).code, 0);
    assert_eq!(scene.program.run(&["import"]).code, 2);
    assert_eq!(scene.program.run(&["import", "--env", "--found"]).code, 2);
}
