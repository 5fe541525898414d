//! The network against figures that did not come from ONNX Runtime: a plain re-computation
//! of the layers by models/make_mobilenet_v2.py, straight from the published weights.

use image::{Rgb, RgbImage};
use serde_json::Value;
use simdex::config::Config;
use simdex::network::{Engine, Extractor, Network};

/// Relative to the output's root mean square, as single values may be near zero.
const TOLERANCE: f64 = 1e-3;

fn extractor() -> Extractor {
    let engine = Engine::start(&Config::default().runtime(), &|_| ()).unwrap();
    engine.extractor(&Network::builtin().unwrap()).unwrap()
}

/// The integer hash that the reference's formulas name.
fn hash(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x7feb_352d);
    h ^= h >> 15;
    h = h.wrapping_mul(0x846c_a68b);
    h ^ h >> 16
}

fn draw(name: &str) -> RgbImage {
    let value = |x: u32, y: u32, c: u32| match name {
        "gradient" => match c {
            0 => x * 255 / 223,
            1 => y * 255 / 223,
            _ => (x + y) * 255 / 446,
        },
        "checker" if (x / 16 + y / 16).is_multiple_of(2) => 230 - 70 * c,
        "checker" => 20 + 40 * c + x / 4,
        "noise" => {
            (hash(x / 8 + 28 * (y / 8) + 784 * c) >> 25)
                + (hash(2352 + x + 224 * y + 50_176 * c) >> 25)
        }
        other => panic!("the reference has a picture {other} that this test cannot draw"),
    };
    RgbImage::from_fn(
        224,
        224,
        |x, y| Rgb([0, 1, 2].map(|c| value(x, y, c) as u8)),
    )
}

#[test]
fn all_outputs_agree_with_the_plain_recomputation() {
    let reference: Value =
        serde_json::from_str(include_str!("../data/network_reference.json")).unwrap();
    let mut extractor = extractor();
    let pictures = reference["pictures"].as_array().unwrap();
    assert_eq!(pictures.len(), 3);
    for picture in pictures {
        let name = picture["name"].as_str().unwrap();
        let tile = extractor.tile(&draw(name));
        let mut given: Vec<Vec<f32>> = Vec::new();
        let embedding = extractor
            .run(&tile, |features| {
                given.extend(features.layers.iter().map(|layer| layer.to_vec()));
                features.embedding
            })
            .unwrap();
        let outputs = picture["outputs"].as_array().unwrap();
        assert_eq!(outputs.len(), 19);
        // The program keeps embeddings at unit length; the reference has their own length.
        let length = outputs[18]["l2"].as_f64().unwrap() as f32;
        given.push(embedding.values().iter().map(|v| v * length).collect());
        for (values, output) in given.iter().zip(outputs) {
            compare(name, values, output);
        }
    }
}

fn compare(picture: &str, values: &[f32], output: &Value) {
    let name = &output["name"];
    let count = values.len() as f64;
    let number = |key: &str| output[key].as_f64().unwrap();
    let rms = number("l2") / count.sqrt();
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
    let square = values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
    let near = |what: &str, got: f64, expected: f64| {
        let error = (got - expected).abs() / rms;
        assert!(
            error < TOLERANCE,
            "{picture} {name} {what}: {got} for {expected}"
        );
    };
    near("mean", mean, number("mean"));
    near(
        "std",
        (square / count - mean * mean).max(0.0).sqrt(),
        number("std"),
    );
    near("l2", square.sqrt() / count.sqrt(), rms);
    let samples = output["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 32);
    for sample in samples {
        let index = sample[0].as_u64().unwrap() as usize;
        near(
            "sample",
            f64::from(values[index]),
            sample[1].as_f64().unwrap(),
        );
    }
}
