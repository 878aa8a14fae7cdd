//! Where a call comes from.

use std::net::IpAddr;

use crate::text::{is_seen, misleads};

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
/// character or one that changes the line or the direction of the text around it; nothing, where
/// nothing could be seen. Anybody may call himself anything, so it is shown and decides nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserAgent(String);

impl UserAgent {
    /// As much of a text as is kept.
    pub fn new(text: &str) -> Self {
        let kept = text.chars().filter(|&c| !misleads(c));
        let kept: String = kept.take(MAX_USER_AGENT).collect();
        match is_seen(&kept) {
            true => Self(kept.trim().to_owned()),
            false => Self::default(),
        }
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
    fn what_misleads_is_left_out_and_the_rest_is_cut() {
        assert_eq!(UserAgent::new(" curl\r\n\0\u{9b}/8 ").as_str(), "curl/8");
        let long = "é".repeat(300);
        assert_eq!(UserAgent::new(&long).as_str(), "é".repeat(200));
        let turned = "curl\u{202e}/8\u{2028}";
        assert_eq!(UserAgent::new(turned).as_str(), "curl/8");
        for nothing in ["", " ", "\u{200b}", "\u{2060}\u{202e}", "\u{2800}"] {
            assert_eq!(UserAgent::new(nothing).as_str(), "", "{nothing:?}");
        }
    }
}
