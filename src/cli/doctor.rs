//! `sweep doctor`: what this machine has, and what is missing for what.

use serde_json::{Map, Value as Json, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal;
use sweep_app::doctor::{Finding, findings};

/// `sweep doctor`.
pub fn doctor(context: &Context) -> Result<Exit, Failure> {
    let findings = findings(&context.app);
    if context.json {
        let entry = |finding: &Finding| {
            let value = json!({ "ok": finding.is_ok, "found": finding.text });
            (finding.name.to_owned(), value)
        };
        let object: Map<String, Json> = findings.iter().map(entry).collect();
        terminal::print_json(&Json::Object(object));
        return Ok(Exit::Success);
    }
    for finding in &findings {
        let mark = if finding.is_ok { "ok" } else { "--" };
        terminal::print(&format!("{mark}  {:<10} {}", finding.name, finding.text));
    }
    Ok(Exit::Success)
}
