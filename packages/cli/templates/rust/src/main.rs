use std::process::ExitCode;

use serde_json::{json, Value};

fn main() -> ExitCode {
    match run() {
        Ok(answer) => {
            print!("{answer}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<Value, String> {
    let event: Value = serde_json::from_reader(std::io::stdin())
        .map_err(|error| format!("the event is not JSON: {error}"))?;
    let name = match event["data"]["name"].as_str() {
        Some(name) if !name.is_empty() => name,
        _ => return Err("the event has no \"data.name\"".into()),
    };

    eprintln!("greeting {name}");
    Ok(json!({ "greeting": format!("Hello, {name}!") }))
}
