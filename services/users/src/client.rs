//! Where a call comes from.

use std::net::IpAddr;

/// The longest name of a program that is kept, in characters.
const MAX_USER_AGENT: usize = 200;

/// Who makes a call.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// From which address, where that is known.
    pub address: Option<IpAddr>,
    /// With which program.
    pub user_agent: UserAgent,
}

/// What a program calls itself (`User-Agent`): at most 200 characters, none of them a control
/// character. Anybody may call himself anything, so it is shown and decides nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserAgent(String);

impl UserAgent {
    /// As much of a text as is kept.
    pub fn new(text: &str) -> Self {
        let kept = text.chars().filter(|c| !c.is_control());
        let kept: String = kept.take(MAX_USER_AGENT).collect();
        Self(kept.trim().to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_left_out_and_the_rest_is_cut() {
        assert_eq!(UserAgent::new(" curl\r\n\0\u{9b}/8 ").as_str(), "curl/8");
        let long = "é".repeat(300);
        assert_eq!(UserAgent::new(&long).as_str(), "é".repeat(200));
        assert_eq!(UserAgent::new("").as_str(), "");
    }
}
