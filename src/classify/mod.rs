//! To which class of labelled pictures a picture belongs, and how sure that is: evidential
//! k-NN (Denoeux, "A k-nearest neighbor classification rule based on Dempster-Shafer
//! theory", 1995).
//!
//! Each of a picture's nearest labelled pictures is a piece of evidence for its own class, the
//! weaker the farther it is; Dempster's rule combines them. The mass that no evidence claims is
//! left unknown; if that is more than any class gets, the answer is "unknown".

mod centred_cosine;
mod classifier;
mod evidence;
mod tune;

pub use centred_cosine::CentredCosine;
pub use classifier::{Classifier, ClassifyOptions, Neighbour, Verdict};
pub use evidence::Evidence;
