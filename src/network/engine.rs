//! What executes networks.

use std::sync::{Mutex, PoisonError};

use super::extractor::Extractor;
use super::runtime::{self, Library};
use super::{Device, ExtractError, Network};

/// What executes networks: ONNX Runtime, or the pure-Rust fallback where it is compiled in.
#[derive(Debug, Clone)]
pub struct Engine {
    backend: Backend,
}

#[derive(Debug, Clone)]
enum Backend {
    Ort {
        library: Library,
        environment: ort::environment::Environment,
        device: Device,
    },
    #[cfg(feature = "tract")]
    Tract,
}

/// No engine could be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// ONNX Runtime is not there and could not be got.
    #[error(transparent)]
    Runtime(#[from] runtime::Error),
    /// The library is there but does not load.
    #[error(
        "ONNX Runtime at {path} does not load: {message}. Name another library (version 1.19 or newer) with ORT_DYLIB_PATH or `[network] runtime` in config.toml"
    )]
    Load {
        /// The library.
        path: std::path::PathBuf,
        /// What the loader said.
        message: String,
    },
}

/// ONNX Runtime may be loaded once per process, so the first engine serves all.
static LOADED: Mutex<Option<Engine>> = Mutex::new(None);

impl Engine {
    /// Finds and loads the runtime; the first call of a process decides.
    ///
    /// # Errors
    /// If there is none and none can be installed; the error says what to install.
    pub fn start(
        options: &runtime::Options,
        progress: &dyn Fn(runtime::Progress),
    ) -> Result<Self, EngineError> {
        // A panic while loading leaves None, which the next caller may try again.
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = &*loaded {
            return Ok(engine.clone());
        }
        let engine = Self::load(options, progress)?;
        *loaded = Some(engine.clone());
        Ok(engine)
    }

    fn load(
        options: &runtime::Options,
        progress: &dyn Fn(runtime::Progress),
    ) -> Result<Self, EngineError> {
        match Self::load_ort(options, progress) {
            #[cfg(feature = "tract")]
            Err(error) => {
                tracing::warn!(
                    %error,
                    "no ONNX Runtime; the pure-Rust fallback is about three times slower (`simdex doctor` measures it)"
                );
                Ok(Self {
                    backend: Backend::Tract,
                })
            }
            result => result,
        }
    }

    fn load_ort(
        options: &runtime::Options,
        progress: &dyn Fn(runtime::Progress),
    ) -> Result<Self, EngineError> {
        let library = runtime::find_or_install(options, progress)?;
        let failed = |message: String| EngineError::Load {
            path: library.path.clone(),
            message,
        };
        let environment = ort::init_from(&library.path)
            .map_err(|error| failed(error.to_string()))?
            .with_telemetry(false)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        // Its notes go through tracing; below a warning nobody needs them.
        environment.set_log_level(ort::logging::LogLevel::Warning);
        tracing::debug!(path = %library.path.display(), "ONNX Runtime loaded");
        Ok(Self {
            backend: Backend::Ort {
                library,
                environment,
                device: options.device.or_cpu(),
            },
        })
    }

    /// A session of one thread for `network`.
    ///
    /// # Errors
    /// If the engine refuses the model or its outputs are not the manifest's.
    pub fn extractor(&self, network: &Network) -> Result<Extractor, ExtractError> {
        match &self.backend {
            Backend::Ort {
                environment,
                device,
                ..
            } => Extractor::ort(environment, *device, network),
            #[cfg(feature = "tract")]
            Backend::Tract => Extractor::tract(network),
        }
    }

    /// The engine's name and where it comes from, for `simdex doctor`.
    pub fn description(&self) -> String {
        match &self.backend {
            Backend::Ort {
                library, device, ..
            } => {
                format!(
                    "ONNX Runtime, {} ({}), on {}",
                    library.path.display(),
                    library.origin,
                    device.name(),
                )
            }
            #[cfg(feature = "tract")]
            Backend::Tract => "tract (pure Rust)".to_owned(),
        }
    }
}
