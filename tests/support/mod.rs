//! What tests of several kinds lean on. Each test binary uses its own part of it.

#[allow(dead_code, reason = "each test binary uses its own part")]
pub mod folder;

#[allow(dead_code, reason = "each test binary uses its own part")]
pub mod postgres;

#[allow(dead_code, reason = "each test binary uses its own part")]
pub mod house;

#[allow(dead_code, reason = "each test binary uses its own part")]
pub mod shared;

#[allow(dead_code, reason = "each test binary uses its own part")]
pub mod socket;

#[allow(dead_code, reason = "each test binary uses its own part")]
pub mod proxy;

#[allow(dead_code, reason = "each test binary uses its own part")]
pub mod encode;

#[allow(dead_code, reason = "each test binary uses its own part")]
pub mod manual;

#[allow(dead_code, reason = "each test binary uses its own part")]
pub mod receiver;
