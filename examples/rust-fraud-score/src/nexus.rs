//! The one thing that WASI has no call for: emitting an event.

use serde_json::Value;

#[link(wasm_import_module = "nexus")]
extern "C" {
    #[link_name = "emit"]
    fn nexus_emit(pointer: *const u8, length: usize) -> i32;
}

/// Emits an event: a CloudEvent, in which only `type` has to be there. It is appended when this
/// invocation succeeds, and not otherwise.
pub fn emit(event: &Value) -> Result<(), String> {
    let json = event.to_string();
    // SAFETY: pointer and length are those of `json`, which lives until the call is over.
    match unsafe { nexus_emit(json.as_ptr(), json.len()) } {
        0 => Ok(()),
        code => Err(format!("the platform did not take the event: {code}")),
    }
}
