//! Scores a payment by a handful of rules, and emits an event where a human should look.

mod nexus;

use std::env;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Deserialize)]
struct Event {
    data: Payment,
}

#[derive(Deserialize)]
struct Payment {
    payment_id: String,
    amount_cents: u64,
    card_country: String,
    ip_country: String,
    account_age_days: u32,
    #[serde(default)]
    payments_last_hour: u32,
}

#[derive(Serialize)]
struct Verdict {
    payment_id: String,
    score: u32,
    reasons: Vec<&'static str>,
    flagged: bool,
}

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

fn run() -> Result<String, String> {
    let Event { data: payment } = serde_json::from_reader(std::io::stdin())
        .map_err(|error| format!("the event holds no payment: {error}"))?;
    let verdict = judge(payment, threshold()?);

    eprintln!("{} scores {}", verdict.payment_id, verdict.score);
    if verdict.flagged {
        nexus::emit(&json!({
            "type": "com.example.payment.flagged",
            "subject": verdict.payment_id,
            "data": verdict,
        }))?;
    }
    serde_json::to_string(&verdict).map_err(|error| error.to_string())
}

/// The score from which a payment is flagged: `env` in nexus.yaml, 50 unless it says otherwise.
fn threshold() -> Result<u32, String> {
    match env::var("THRESHOLD") {
        Ok(text) => text.parse().map_err(|error| format!("THRESHOLD=\"{text}\": {error}")),
        Err(_) => Ok(50),
    }
}

fn judge(payment: Payment, threshold: u32) -> Verdict {
    let rules = [
        (payment.amount_cents >= 100_000, 30, "large amount"),
        (payment.card_country != payment.ip_country, 25, "card and address are in two countries"),
        (payment.account_age_days < 7, 20, "new account"),
        (payment.payments_last_hour > 5, 35, "many payments within an hour"),
    ];
    let broken = rules.iter().filter(|(applies, _, _)| *applies);
    let score = broken.clone().map(|(_, points, _)| points).sum();
    Verdict {
        payment_id: payment.payment_id,
        score,
        reasons: broken.map(|(_, _, reason)| *reason).collect(),
        flagged: score >= threshold,
    }
}
