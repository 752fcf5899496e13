//! Where a call goes, told from the resources alone by a few of Envoy's rules: listener by port, filter chain by server
//! name, virtual host by domain, route by path. Enough for names; the data plane has its own tests for the rest.

use crate::resources::Resources;
use serde_json::Value;
use std::collections::BTreeMap;

pub struct Call {
    address: String,
    port: u64,
    sni: String,
    host: String,
    path: String,
    http: bool,
    tls: bool,
}

type Outcome = BTreeMap<String, String>;

impl Call {
    pub fn read(call: &Value) -> Self {
        let text = |key: &str| call.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let path = text("path");
        Self {
            address: text("address"),
            port: call.get("port").and_then(Value::as_u64).unwrap(),
            sni: text("sni"),
            host: text("host"),
            path: if path.is_empty() { "/".to_owned() } else { path },
            http: text("protocol") != "tcp",
            tls: !matches!(text("tls").as_str(), "" | "plaintext"),
        }
    }

    pub fn follow(&self, resources: &Resources) -> Outcome {
        let mut parts = Outcome::new();
        let error = self.walk(resources, &mut parts).err().unwrap_or_default();
        parts.insert("error".into(), error.into());
        parts
    }

    fn walk(&self, resources: &Resources, out: &mut Outcome) -> Result<(), &'static str> {
        let names =
            [format!("{}_{}", self.address, self.port), format!("0.0.0.0_{}", self.port), "virtualOutbound".into()];
        let listener = names.iter().map(|name| resources.at(&format!("listeners > {name}"))).find(|l| !l.is_null());
        let listener = listener.ok_or("no_listener")?;
        out.insert("listener".into(), string(&listener["name"]));
        let chain = self.chain(&listener).ok_or("no_filter_chain")?;
        let terminated = !chain["transport_socket"].is_null();
        let filter = chain["filters"].as_array().and_then(|list| list.last()).cloned().unwrap_or_default();
        let config = &filter["typed_config"];
        if filter["name"] == "envoy.filters.network.tcp_proxy" {
            out.insert("cluster".into(), string(&config["cluster"]));
            return Ok(());
        }
        if !self.http || (self.tls && !terminated) {
            return Err("protocol_error");
        }
        let name = string(&config["rds"]["route_config_name"]);
        let routes = resources.at(&format!("routes > {name}"));
        out.insert("routeConfig".into(), name);
        let host = self.virtual_host(&routes).ok_or("no_virtual_host")?;
        out.insert("virtualHost".into(), string(&host["name"]));
        if host["require_tls"] == "ALL" && !self.tls {
            return Err("tls_redirect");
        }
        let found = host["routes"].as_array().into_iter().flatten().find(|route| self.matches(&route["match"]));
        let route = found.ok_or("no_route")?;
        out.insert("route".into(), string(&route["name"]));
        out.insert("cluster".into(), string(&route["route"]["cluster"]));
        Ok(())
    }

    fn chain(&self, listener: &Value) -> Option<Value> {
        let chains = listener["filter_chains"].as_array()?;
        let fits = |chain: &&Value| {
            let m = &chain["filter_chain_match"];
            let port = m["destination_port"].as_u64().is_none_or(|port| port == self.port);
            let names = m["server_names"].as_array();
            let named = names.is_none_or(|names| names.iter().any(|n| covers(n.as_str().unwrap(), &self.sni)));
            let plain = m["application_protocols"].is_null() || (self.http && !self.tls);
            port && named && plain
        };
        let mut fitting: Vec<&Value> = chains.iter().filter(fits).collect();
        fitting.sort_by_key(|chain| chain["filter_chain_match"].is_null());
        fitting
            .first()
            .map(|chain| (*chain).clone())
            .or_else(|| Some(listener["default_filter_chain"].clone()))
            .filter(|chain| !chain.is_null())
    }

    fn virtual_host(&self, routes: &Value) -> Option<Value> {
        let hosts = routes["virtual_hosts"].as_array()?;
        let best = |host: &Value| {
            let domains = host["domains"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let rank = |domain: &str| usize::from(domain == self.host) * 1000 + domain.len();
            domains.filter(|domain| covers(domain, &self.host)).map(rank).max()
        };
        hosts.iter().filter_map(|host| Some((best(host)?, host))).max_by_key(|(rank, _)| *rank).map(|(_, h)| h.clone())
    }

    fn matches(&self, condition: &Value) -> bool {
        let exact = condition["path"].as_str().is_none_or(|path| path == self.path);
        let prefix = condition["prefix"].as_str().is_none_or(|prefix| self.path.starts_with(prefix));
        exact && prefix && condition["headers"].is_null()
    }
}

fn covers(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(suffix) => name.ends_with(suffix) && (name.len() > suffix.len() || suffix.is_empty()),
        None => pattern == name,
    }
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
