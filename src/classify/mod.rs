//! To which class of labelled pictures a picture belongs, and how sure that is: evidential
//! k-NN (Denoeux, "A k-nearest neighbor classification rule based on Dempster-Shafer
//! theory", 1995).
//!
//! Each of a picture's nearest labelled pictures is a piece of evidence for its own class,
//! the weaker the farther it is; Dempster's rule combines them. What no evidence speaks for
//! is left unknown, and where that is more than what speaks for any class, the answer is
//! "unknown".

mod classifier;
mod evaluation;
mod evidence;
mod likeness;
mod probe;
mod tune;

pub use classifier::{Classifier, ClassifyOptions, Neighbour, Verdict};
pub use evaluation::{
    ClassifyEvaluation, ClassifyEvaluationError, ClassifyEvaluationOptions, ClassifyRow,
    RuleFigures, evaluate_classify,
};
pub use evidence::Evidence;
pub use likeness::CentredCosine;
