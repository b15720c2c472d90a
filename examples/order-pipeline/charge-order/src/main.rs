//! Charges a validated order. It has `output: events` in nexus.yaml: what it prints is an event.

use std::env;
use std::process::ExitCode;

use serde_json::{json, Value};

fn main() -> ExitCode {
    match run() {
        Ok(event) => {
            println!("{event}");
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
    let order = &event["data"];
    let id = order["order_id"].as_str().ok_or("the order has no \"order_id\"")?;
    let total = order["total_cents"].as_u64().ok_or("the order has no \"total_cents\"")?;

    // The payment provider of this example is made up: it is down for as many attempts as the order says.
    let attempt: u64 = variable("NEXUS_ATTEMPT")?
        .parse()
        .map_err(|error| format!("NEXUS_ATTEMPT: {error}"))?;
    if attempt <= order["provider_down_for_attempts"].as_u64().unwrap_or(0) {
        return Err(format!("attempt {attempt}: the payment provider does not answer"));
    }
    // The same for every attempt on this event: a real provider charges once for one key.
    let key = variable("NEXUS_IDEMPOTENCY_KEY")?;

    eprintln!("charged {id}: {total} cents, key {key}");
    Ok(json!({
        "type": "com.example.order.paid",
        "subject": id,
        "data": {
            "order_id": id,
            "customer_id": order["customer_id"],
            "charged_cents": total,
            "payment_id": format!("pay_{}", key.get(..12).unwrap_or(&key)),
            "attempt": attempt,
        },
    }))
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("{name}: {error}"))
}
