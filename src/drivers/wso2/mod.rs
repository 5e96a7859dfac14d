//! wso2 (under construction).
