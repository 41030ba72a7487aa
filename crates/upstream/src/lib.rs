//! What a caller of several peers needs: who is well, who is next, when to stop asking.
#![forbid(unsafe_code)]
