//! Statuses of gRPC by their names.
//! In: a name as Istio's API writes it. Out: its number.

/// Names of the statuses; the place of a name is its number (grpc/grpc `statuscodes.md`).
const STATUSES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The number of a status by its name; `None` when there is no such status.
pub fn status(name: &str) -> Option<u32> {
    let index = STATUSES.iter().position(|known| *known == name)?;
    u32::try_from(index).ok()
}
