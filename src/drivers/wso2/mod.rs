//! wso2 (under construction).
mod canonical;
mod dialect;
mod wire;
