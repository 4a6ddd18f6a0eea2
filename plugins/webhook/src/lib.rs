//! Sends events as signed JSON to an HTTP endpoint.
