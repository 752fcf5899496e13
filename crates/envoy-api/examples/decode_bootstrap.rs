//! Decodes a bootstrap file in JSON and says how much memory the process holds.

use lateen_envoy_api::{json, v3};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: decode_bootstrap FILE")?;
    let text = std::fs::read_to_string(path)?;
    let before = resident()?;
    let bootstrap: v3::bootstrap::Bootstrap = json::decode(&text)?;
    let size = serde_json::to_string(&json::encode(&bootstrap))?.len();
    println!("{} bytes in, {size} bytes out", text.len());
    println!("resident before: {before}, after: {}", resident()?);
    Ok(())
}

fn resident() -> Result<String, std::io::Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    Ok(line.unwrap_or("unknown").to_owned())
}
