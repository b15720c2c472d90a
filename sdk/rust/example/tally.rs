//! Counts its runs, tells another server, and emits an event: every host call once, in Rust.

use std::error::Error;
use std::process::ExitCode;

use nexus_functions::kv::{self, Expect};
use nexus_functions::{emit, log, secret, Level, Request};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The run has failed; the platform tries again.
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let count = count_up()?;
    println!("count {count}");
    list_seen(count)?;
    tell(count)?;
    emit(&format!(r#"{{"type":"com.example.counted","data":{{"count":{count}}}}}"#))?;
    log(Level::Info, "counted");
    Ok(())
}

/// Whoever else counts at the same time: nobody's step is lost.
fn count_up() -> Result<u64, Box<dyn Error>> {
    loop {
        let (count, expect) = match kv::get("count")? {
            None => (0, Expect::Absent),
            Some(entry) => (String::from_utf8(entry.value)?.parse()?, Expect::Revision(entry.revision)),
        };
        let next = (count + 1).to_string();
        if kv::set("count", next.as_bytes(), expect, 0)?.is_some() {
            return Ok(count + 1);
        }
    }
}

fn list_seen(count: u64) -> Result<(), Box<dyn Error>> {
    kv::set(&format!("seen/{count}"), b"yes", Expect::Anything, 3600 * 1000)?;
    if count > 3 {
        kv::delete(&format!("seen/{}", count - 3), Expect::Anything)?;
    }
    let page = kv::list("seen/", "", 100)?;
    let keys: Vec<String> = page.entries.iter().map(|entry| format!(" {}", entry.key)).collect();
    println!("seen {}:{}", keys.len(), keys.concat());
    Ok(())
}

fn tell(count: u64) -> Result<(), Box<dyn Error>> {
    let key = String::from_utf8(secret("API_KEY")?.ok_or("there is no API_KEY")?)?;
    let answer = Request::new("POST", &std::env::var("API_URL")?)
        .header("authorization", &format!("Bearer {key}"))
        .body(format!(r#"{{"count":{count}}}"#))
        .send()?;
    println!("told: {} {}", answer.status, String::from_utf8(answer.body)?);
    Ok(())
}
