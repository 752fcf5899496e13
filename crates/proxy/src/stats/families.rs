//! Which statistics there are: one struct for each of Envoy's families, one field for each statistic.
//! In: the workers write the fields. Out: [`Family::visit`] names each field as Envoy does.
//! Never here: sums over workers.

use super::metric::{Codes, Counter, Gauge, Histogram};
use lateen_proxy_core::outlier::{Event, Rule};

/// What a reader sees of one field.
pub(super) enum Field<'a> {
    Counter(&'a Counter),
    Gauge(&'a Gauge),
    Histogram(&'a Histogram),
}

/// A block that can name its fields.
pub(super) trait Family: Send + Sync {
    fn visit(&self, f: &mut dyn FnMut(&'static str, Field<'_>));
    /// Counts by status and the prefix of their names.
    fn codes(&self) -> Option<(&'static str, &Codes)> {
        None
    }
}

macro_rules! family {
    (
        $(#[$doc:meta])* $name:ident $(codes $prefix:literal)?
        counters { $($c:ident $(= $ct:literal)?),* $(,)? }
        gauges { $($g:ident $(= $gt:literal)?),* $(,)? }
        histograms { $($h:ident $(= $ht:literal)?),* $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        #[allow(missing_docs)]
        pub struct $name {
            $(pub $c: Counter,)*
            $(pub $g: Gauge,)*
            $(pub $h: Histogram,)*
            /// Counts by status.
            pub codes: Codes,
        }
        impl Family for $name {
            fn visit(&self, f: &mut dyn FnMut(&'static str, Field<'_>)) {
                $(f(family!(@name $c $(= $ct)?), Field::Counter(&self.$c));)*
                $(f(family!(@name $g $(= $gt)?), Field::Gauge(&self.$g));)*
                $(f(family!(@name $h $(= $ht)?), Field::Histogram(&self.$h));)*
            }
            $(fn codes(&self) -> Option<(&'static str, &Codes)> {
                Some(($prefix, &self.codes))
            })?
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident = $text:literal) => { $text };
}

family! {
    /// `cluster.<name>.`
    ClusterStats codes "upstream_rq"
    counters {
        upstream_cx_total, upstream_cx_http1_total, upstream_cx_http2_total, upstream_cx_connect_fail,
        upstream_cx_connect_timeout, upstream_cx_idle_timeout, upstream_cx_max_duration_reached,
        upstream_cx_connect_attempts_exceeded, upstream_cx_overflow, upstream_cx_destroy, upstream_cx_destroy_local,
        upstream_cx_destroy_remote, upstream_cx_destroy_with_active_rq, upstream_cx_destroy_local_with_active_rq,
        upstream_cx_destroy_remote_with_active_rq, upstream_cx_close_notify, upstream_cx_max_requests,
        upstream_cx_none_healthy, upstream_cx_pool_overflow, upstream_cx_protocol_error,
        upstream_cx_rx_bytes_total, upstream_cx_tx_bytes_total,
        upstream_rq_total, upstream_rq_completed, upstream_rq_1xx, upstream_rq_2xx, upstream_rq_3xx, upstream_rq_4xx,
        upstream_rq_5xx, upstream_rq_pending_total, upstream_rq_pending_overflow, upstream_rq_pending_failure_eject,
        upstream_rq_cancelled, upstream_rq_maintenance_mode, upstream_rq_timeout, upstream_rq_max_duration_reached,
        upstream_rq_per_try_timeout, upstream_rq_per_try_idle_timeout, upstream_rq_rx_reset, upstream_rq_tx_reset,
        upstream_rq_retry, upstream_rq_retry_backoff_exponential, upstream_rq_retry_backoff_ratelimited,
        upstream_rq_retry_limit_exceeded, upstream_rq_retry_success, upstream_rq_retry_overflow,
        upstream_flow_control_paused_reading_total, upstream_flow_control_resumed_reading_total,
        upstream_flow_control_backed_up_total, upstream_flow_control_drained_total,
        lb_healthy_panic, lb_zone_routing_all_directly, lb_recalculate_zone_structures, retry_or_shadow_abandoned,
        bind_errors, ssl_handshake = "ssl.handshake", ssl_connection_error = "ssl.connection_error",
    }
    gauges {
        upstream_cx_active, upstream_rq_active, upstream_rq_pending_active,
        upstream_cx_rx_bytes_buffered, upstream_cx_tx_bytes_buffered,
        cx_open = "circuit_breakers.default.cx_open", rq_open = "circuit_breakers.default.rq_open",
        rq_pending_open = "circuit_breakers.default.rq_pending_open",
        rq_retry_open = "circuit_breakers.default.rq_retry_open",
    }
    histograms { upstream_rq_time, upstream_cx_connect_ms, upstream_cx_length_ms }
}

family! {
    /// `cluster.<name>.outlier_detection.`
    OutlierStats
    counters {
        detected_consecutive_5xx = "outlier_detection.ejections_detected_consecutive_5xx",
        detected_consecutive_gateway_failure = "outlier_detection.ejections_detected_consecutive_gateway_failure",
        detected_consecutive_local_origin_failure =
            "outlier_detection.ejections_detected_consecutive_local_origin_failure",
        detected_success_rate = "outlier_detection.ejections_detected_success_rate",
        detected_local_origin_success_rate = "outlier_detection.ejections_detected_local_origin_success_rate",
        detected_failure_percentage = "outlier_detection.ejections_detected_failure_percentage",
        detected_local_origin_failure_percentage =
            "outlier_detection.ejections_detected_local_origin_failure_percentage",
        enforced_consecutive_5xx = "outlier_detection.ejections_enforced_consecutive_5xx",
        enforced_consecutive_gateway_failure = "outlier_detection.ejections_enforced_consecutive_gateway_failure",
        enforced_consecutive_local_origin_failure =
            "outlier_detection.ejections_enforced_consecutive_local_origin_failure",
        enforced_success_rate = "outlier_detection.ejections_enforced_success_rate",
        enforced_local_origin_success_rate = "outlier_detection.ejections_enforced_local_origin_success_rate",
        enforced_failure_percentage = "outlier_detection.ejections_enforced_failure_percentage",
        enforced_local_origin_failure_percentage =
            "outlier_detection.ejections_enforced_local_origin_failure_percentage",
        enforced_total = "outlier_detection.ejections_enforced_total",
        overflow = "outlier_detection.ejections_overflow",
    }
    gauges { active = "outlier_detection.ejections_active" }
    histograms {}
}

family! {
    /// One endpoint of a cluster, for `/clusters`.
    HostStats
    counters { cx_connect_fail, cx_total, rq_error, rq_success, rq_timeout, rq_total }
    gauges { cx_active, rq_active }
    histograms {}
}

family! {
    /// `http.<stat_prefix>.`
    HttpStats
    counters {
        downstream_cx_total, downstream_cx_http1_total, downstream_cx_http2_total, downstream_cx_ssl_total,
        downstream_cx_upgrades_total, downstream_cx_destroy, downstream_cx_destroy_local,
        downstream_cx_destroy_remote, downstream_cx_destroy_active_rq, downstream_cx_destroy_local_active_rq,
        downstream_cx_destroy_remote_active_rq, downstream_cx_drain_close, downstream_cx_idle_timeout,
        downstream_cx_max_duration_reached, downstream_cx_max_requests_reached, downstream_cx_protocol_error,
        downstream_cx_overload_disable_keepalive, downstream_cx_delayed_close_timeout,
        downstream_cx_rx_bytes_total, downstream_cx_tx_bytes_total,
        downstream_flow_control_paused_reading_total, downstream_flow_control_resumed_reading_total,
        downstream_rq_total, downstream_rq_http1_total, downstream_rq_http2_total, downstream_rq_completed,
        downstream_rq_1xx, downstream_rq_2xx, downstream_rq_3xx, downstream_rq_4xx, downstream_rq_5xx,
        downstream_rq_failed_path_normalization, downstream_rq_redirected_with_normalized_path,
        downstream_rq_idle_timeout, downstream_rq_header_timeout, downstream_rq_max_duration_reached,
        downstream_rq_timeout, downstream_rq_non_relative_path, downstream_rq_overload_close,
        downstream_rq_response_before_rq_complete, downstream_rq_rx_reset, downstream_rq_tx_reset,
        downstream_rq_too_large, downstream_rq_too_many_premature_resets, downstream_rq_ws_on_non_ws_route,
        downstream_rq_rejected_via_ip_detection, downstream_rq_panic, no_cluster, no_route, rq_direct_response, rq_redirect,
        rq_reset_after_downstream_response_started, rq_total, rs_too_large,
        tracing_not_traceable = "tracing.not_traceable",
        rbac_allowed = "rbac.allowed", rbac_denied = "rbac.denied", rbac_shadow_allowed = "rbac.shadow_allowed",
        rbac_shadow_denied = "rbac.shadow_denied",
        fault_aborts = "fault.aborts_injected", fault_delays = "fault.delays_injected",
        fault_overflow = "fault.faults_overflow",
        cors_origin_valid = "cors.origin_valid", cors_origin_invalid = "cors.origin_invalid",
    }
    gauges {
        downstream_cx_active, downstream_cx_http1_active, downstream_cx_http2_active, downstream_cx_ssl_active,
        downstream_cx_upgrades_active, downstream_rq_active,
        fault_active = "fault.active_faults",
    }
    histograms { downstream_rq_time, downstream_cx_length_ms }
}

family! {
    /// `listener.<address>.`
    ListenerStats
    counters {
        downstream_cx_total, downstream_cx_destroy, downstream_cx_overflow, downstream_cx_overload_reject,
        downstream_cx_transport_socket_connect_timeout, downstream_global_cx_overflow, downstream_pre_cx_timeout,
        downstream_listener_filter_remote_close, downstream_listener_filter_error, connections_accepted_per_socket_event,
        downstream_cx_panic, no_filter_chain_match, ssl_handshake = "ssl.handshake", ssl_connection_error = "ssl.connection_error",
    }
    gauges { downstream_cx_active, downstream_pre_cx_active }
    histograms { downstream_cx_length_ms }
}

family! {
    /// `tcp.<stat_prefix>.`
    TcpStats
    counters {
        downstream_cx_total, downstream_cx_no_route, downstream_cx_rx_bytes_total, downstream_cx_tx_bytes_total,
        downstream_flow_control_paused_reading_total, downstream_flow_control_resumed_reading_total,
        idle_timeout, max_downstream_connection_duration, upstream_flush_total,
    }
    gauges { downstream_cx_rx_bytes_buffered, downstream_cx_tx_bytes_buffered, upstream_flush_active }
    histograms {}
}

family! {
    /// `server.`, `listener_manager.`, `cluster_manager.` and so on, written by the control thread.
    ServerStats
    counters {
        listener_added = "listener_manager.listener_added", listener_modified = "listener_manager.listener_modified",
        listener_removed = "listener_manager.listener_removed",
        listener_stopped = "listener_manager.listener_stopped",
        listener_create_success = "listener_manager.listener_create_success",
        listener_create_failure = "listener_manager.listener_create_failure",
        lds_update_attempt = "listener_manager.lds.update_attempt",
        lds_update_success = "listener_manager.lds.update_success",
        lds_update_rejected = "listener_manager.lds.update_rejected",
        lds_update_failure = "listener_manager.lds.update_failure",
        cluster_added = "cluster_manager.cluster_added", cluster_modified = "cluster_manager.cluster_modified",
        cluster_removed = "cluster_manager.cluster_removed", cluster_updated = "cluster_manager.cluster_updated",
        cds_update_attempt = "cluster_manager.cds.update_attempt",
        cds_update_success = "cluster_manager.cds.update_success",
        cds_update_rejected = "cluster_manager.cds.update_rejected",
        cds_update_failure = "cluster_manager.cds.update_failure",
        rds_update_success = "lateen.rds.update_success", rds_update_rejected = "lateen.rds.update_rejected",
        eds_update_success = "lateen.eds.update_success", eds_update_rejected = "lateen.eds.update_rejected",
        access_log_dropped = "access_log_file.write_failed",
    }
    gauges {
        total_listeners_active = "listener_manager.total_listeners_active",
        total_listeners_warming = "listener_manager.total_listeners_warming",
        total_listeners_draining = "listener_manager.total_listeners_draining",
        workers_started = "listener_manager.workers_started",
        active_clusters = "cluster_manager.active_clusters", warming_clusters = "cluster_manager.warming_clusters",
        connected_state = "control_plane.connected_state",
        live = "server.live", state = "server.state", uptime = "server.uptime", concurrency = "server.concurrency",
        memory_allocated = "server.memory_allocated", memory_physical_size = "server.memory_physical_size",
        total_connections = "server.total_connections", version = "server.version",
        parent_connections = "server.parent_connections",
    }
    histograms {}
}

impl ClusterStats {
    /// Counts the status of a finished response: `upstream_rq_completed`, its class and its code.
    pub fn response(&self, status: u16) {
        self.upstream_rq_completed.inc();
        match status / 100 {
            1 => self.upstream_rq_1xx.inc(),
            2 => self.upstream_rq_2xx.inc(),
            3 => self.upstream_rq_3xx.inc(),
            4 => self.upstream_rq_4xx.inc(),
            5 => self.upstream_rq_5xx.inc(),
            _ => {}
        }
        self.codes.inc(status);
    }
}

impl OutlierStats {
    /// Counts what a detector says.
    pub fn count(&self, event: Event) {
        match event {
            Event::Detected(rule) => match rule {
                Rule::Consecutive5xx => self.detected_consecutive_5xx.inc(),
                Rule::ConsecutiveGatewayFailure => self.detected_consecutive_gateway_failure.inc(),
                Rule::ConsecutiveLocalOriginFailure => self.detected_consecutive_local_origin_failure.inc(),
                Rule::SuccessRate => self.detected_success_rate.inc(),
                Rule::LocalOriginSuccessRate => self.detected_local_origin_success_rate.inc(),
                Rule::FailurePercentage => self.detected_failure_percentage.inc(),
                Rule::LocalOriginFailurePercentage => self.detected_local_origin_failure_percentage.inc(),
            },
            Event::Ejected(rule) => {
                self.active.inc();
                self.enforced_total.inc();
                match rule {
                    Rule::Consecutive5xx => self.enforced_consecutive_5xx.inc(),
                    Rule::ConsecutiveGatewayFailure => self.enforced_consecutive_gateway_failure.inc(),
                    Rule::ConsecutiveLocalOriginFailure => self.enforced_consecutive_local_origin_failure.inc(),
                    Rule::SuccessRate => self.enforced_success_rate.inc(),
                    Rule::LocalOriginSuccessRate => self.enforced_local_origin_success_rate.inc(),
                    Rule::FailurePercentage => self.enforced_failure_percentage.inc(),
                    Rule::LocalOriginFailurePercentage => self.enforced_local_origin_failure_percentage.inc(),
                }
            }
            Event::Overflow => self.overflow.inc(),
            Event::Returned => self.active.dec(),
        }
    }
}

impl HttpStats {
    /// Counts the status of a finished response: `downstream_rq_completed` and its class.
    pub fn response(&self, status: u16) {
        self.downstream_rq_completed.inc();
        match status / 100 {
            1 => self.downstream_rq_1xx.inc(),
            2 => self.downstream_rq_2xx.inc(),
            3 => self.downstream_rq_3xx.inc(),
            4 => self.downstream_rq_4xx.inc(),
            5 => self.downstream_rq_5xx.inc(),
            _ => {}
        }
    }
}
