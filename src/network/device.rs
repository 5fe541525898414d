//! What networks run on: the processor, or something that ONNX Runtime was built for.

use std::sync::Once;

use ort::ep::{CUDA, CoreML, DirectML, ExecutionProvider, OpenVINO};
use ort::session::builder::SessionBuilder;
use serde::Deserialize;

/// What networks run on. ONNX Runtime calls all but the first execution providers; a library has those
/// that it was built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// NVIDIA's graphics cards.
    Cuda,
    /// Apple's Neural Engine and graphics.
    CoreMl,
    /// Graphics cards under Windows.
    DirectMl,
    /// Intel's processors, graphics and accelerators.
    OpenVino,
}

/// So that each of many sessions need not say it.
static TOLD: Once = Once::new();

impl Device {
    /// The name used in `config.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::CoreMl => "coreml",
            Self::DirectMl => "directml",
            Self::OpenVino => "openvino",
        }
    }

    /// Itself, if the library that is loaded was built for it; else the processor, and a warning.
    pub(super) fn or_cpu(self) -> Self {
        let is_there = match self {
            Self::Cpu => return self,
            Self::Cuda => CUDA::is_available(),
            Self::CoreMl => CoreML::is_available(),
            Self::DirectMl => DirectML::is_available(),
            Self::OpenVino => OpenVINO::is_available(),
        };
        match is_there {
            Ok(true) => self,
            _ => {
                self.warn("this ONNX Runtime was not built for it");
                Self::Cpu
            }
        }
    }

    /// Has a session run on it. Where that cannot be, it runs on the processor, and there is a
    /// warning.
    pub(super) fn take(self, session: &mut SessionBuilder) {
        let taken = match self {
            Self::Cpu => Ok(()),
            Self::Cuda => CUDA::default().register(session),
            Self::CoreMl => CoreML::default().register(session),
            Self::DirectMl => DirectML::default().register(session),
            Self::OpenVino => OpenVINO::default().register(session),
        };
        if let Err(error) = taken {
            self.warn(&error.to_string());
        }
    }

    fn warn(self, why: &str) {
        TOLD.call_once(|| {
            tracing::warn!(
                "networks run on the processor, not on {} as `[network] device` says: {why}; \
                 docs/install.md says what it takes",
                self.name(),
            );
        });
    }
}
