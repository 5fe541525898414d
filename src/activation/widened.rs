//! Loops in vectors as wide as the processor has them.

/// Makes a function that calls `$work` in vectors as wide as the processor has them. `$work`
/// must be `#[inline(always)]`: it is compiled twice, for any processor and for those with
/// AVX2.
macro_rules! widened {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),*) $(-> $out:ty)? = $work:ident) => {
        $(#[$meta])*
        $vis fn $name($($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn avx2($($arg: $type),*) $(-> $out)? {
                    $work($($arg),*)
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor has AVX2, the only requirement of the function.
                    return unsafe { avx2($($arg),*) };
                }
            }
            $work($($arg),*)
        }
    };
}

pub(super) use widened;
