//! Go text/template.
//! Under construction.
