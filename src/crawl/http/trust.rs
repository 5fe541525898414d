//! Whose certificates are trusted.

use std::sync::Arc;

use rustls::{ClientConfig, Error};
use rustls_platform_verifier::Verifier;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// TLS that trusts whom the system trusts. A system that names nobody, as a bare container, is told
/// whom Mozilla trusts: without that not even `http:` could be asked.
///
/// # Errors
/// If TLS cannot be set up.
pub(super) fn tls() -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new(Arc::clone(&provider)).or_else(|error| {
        tracing::warn!(
            %error,
            "this system's certificates cannot be read; those that Mozilla trusts count instead"
        );
        Verifier::new_with_extra_roots(TLS_SERVER_ROOT_CERTS.iter().cloned(), Arc::clone(&provider))
    });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier?))
        .with_no_client_auth();
    Ok(config)
}
