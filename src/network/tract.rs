//! The pure-Rust fallback, for machines without ONNX Runtime.

use tract_onnx::prelude::*;

use super::{ExtractError, Network};

/// A network compiled for one picture at a time: with a free batch size it is five times
/// slower.
pub(super) struct TractSession {
    plan: Arc<TypedRunnableModel>,
}

impl TractSession {
    pub(super) fn new(network: &Network) -> Result<Self, ExtractError> {
        Self::compile(network).map_err(|error| ExtractError::Runtime(format!("{error:#}")))
    }

    fn compile(network: &Network) -> TractResult<Self> {
        let manifest = network.manifest();
        let outputs = manifest.layers.iter().map(|layer| layer.output.as_str());
        let outputs: Vec<&str> = outputs
            .chain([manifest.embedding.output.as_str()])
            .collect();
        let (height, width) = (
            manifest.input.height as usize,
            manifest.input.width as usize,
        );
        let plan = tract_onnx::onnx()
            .model_for_read(&mut std::io::Cursor::new(network.model()))?
            .with_input_names([manifest.input.name.as_str()])?
            .with_outputs_by_name(outputs)?
            .with_input_fact(0, f32::fact([1, 3, height, width]).into())?
            .into_optimized()?
            .into_runnable()?;
        Ok(Self { plan })
    }

    /// The layers in order, the embedding last.
    pub(super) fn run(
        &self,
        input: &[f32],
        width: u32,
        height: u32,
    ) -> Result<Vec<Vec<f32>>, ExtractError> {
        let run = || -> TractResult<Vec<Vec<f32>>> {
            let shape = [1, 3, height as usize, width as usize];
            let input = Tensor::from_shape(&shape, input)?;
            self.plan
                .run(tvec!(input.into()))?
                .iter()
                .map(|output| {
                    Ok(output
                        .to_plain_array_view::<f32>()?
                        .iter()
                        .copied()
                        .collect())
                })
                .collect()
        };
        run().map_err(|error| ExtractError::Runtime(format!("{error:#}")))
    }
}
