//! What is routed, as OpenAPI 3.1.
