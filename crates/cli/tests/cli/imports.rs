//! `patchbay import`: what other programs' settings say becomes connections; first told, then made, and never printed.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Done, Program, parse};
use crate::secrets::files_with;
use crate::upstream::Demo;

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

#[test]
fn x1_a_configuration_of_litellm_becomes_connections() {
    let scene = scene();
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
  - model_name: az
    litellm_params: {{ model: azure/gpt-4o }}
router_settings:
  num_retries: 2
"
    );
    let file = scene.write("config.yaml", &text);
    scene.write(".env", &format!("HOUSE_KEY={CANARY}\n"));
    let made = scene.json(&[&file]);
    assert_eq!(told(&made, "key"), ["other", "anthropic"]);
    assert_eq!(told(&made, "key_from"), ["HOUSE_KEY", "the file"]);
    assert_eq!(told(&made, "what"), ["model_list 4: az", "router_settings"]);
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
