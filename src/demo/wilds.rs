//! Motifs that are woods, mountains and deserts.

use super::canvas::{Canvas, HEIGHT, WIDTH, faint, hsl, ink, mix};
use super::random::SplitMix64;

/// Fir trees in a wood.
pub(super) fn forest(c: &mut Canvas, r: &mut SplitMix64) {
    let green = r.between(105.0, 165.0);
    let skies = [
        [0xa9c9d4, 0xeef3dc],
        [0xf0c9a0, 0xfdf0cf],
        [0x8fb8e0, 0xe6f2fa],
    ];
    c.band(0.0, HEIGHT, &r.pick(&skies).map(ink));
    let trees = r.count(4, 9);
    for layer in 0..4 {
        let depth = layer as f32 / 3.0;
        let leaf = hsl(green, 0.18 + 0.32 * depth, 0.62 - 0.40 * depth);
        let foot = 175.0 + 34.0 * layer as f32;
        c.hills(r, foot, 8.0, &[mix(leaf, ink(0xc9d98a), 0.25), leaf]);
        for tree in 0..trees {
            let slot = WIDTH / trees as f32;
            let x = slot * (tree as f32 + 0.5) + r.between(-0.45, 0.45) * slot;
            let tall = r.between(80.0, 115.0) * (0.7 + 0.75 * depth);
            fir(c, leaf, (x, foot + r.between(4.0, 18.0)), tall);
        }
    }
    let floor = hsl(green - 20.0, 0.45, 0.13);
    c.hills(r, 285.0, 7.0, &[mix(floor, ink(0x9bb04a), 0.25), floor]);
}

/// A fir tree by its foot and its height.
fn fir(c: &mut Canvas, leaf: tiny_skia::Color, (x, foot): (f32, f32), tall: f32) {
    let trunk = mix(leaf, ink(0x4a2f1c), 0.75);
    c.rect(
        trunk,
        (x - tall * 0.03, foot - tall * 0.2),
        (tall * 0.06, tall * 0.2),
    );
    for tier in 0..4 {
        let part = tier as f32 / 4.0;
        let (top, wide) = (
            foot - tall * (0.42 + 0.58 * part),
            tall * (0.30 - 0.20 * part),
        );
        let tip = top - tall * 0.20;
        let bottom = top + tall * 0.26;
        c.polygon(
            leaf,
            &[
                (x, tip),
                (x - wide, bottom),
                (x, bottom - tall * 0.05),
                (x + wide, bottom),
            ],
        );
        let sunny = faint(mix(leaf, ink(0xe8f0a0), 0.3), 0.8);
        c.polygon(
            sunny,
            &[
                (x, tip),
                (x - wide, bottom),
                (x - wide * 0.35, bottom - tall * 0.05),
            ],
        );
    }
}

/// A lake below snowy mountains.
pub(super) fn lake(c: &mut Canvas, r: &mut SplitMix64) {
    let shore = r.between(178.0, 205.0);
    let cold = r.between(200.0, 235.0);
    c.band(
        0.0,
        shore,
        &[hsl(cold, 0.55, 0.6), hsl(cold - 15.0, 0.55, 0.9)],
    );
    c.band(
        shore,
        HEIGHT,
        &[hsl(cold - 25.0, 0.4, 0.62), hsl(cold - 10.0, 0.55, 0.3)],
    );
    let rock = hsl(cold + r.between(-5.0, 30.0), 0.2, 0.38);
    let mut peaks: Vec<(f32, f32)> = (0..r.count(3, 5))
        .map(|_| (r.between(20.0, 380.0), r.between(85.0, 150.0)))
        .collect();
    peaks.sort_by(|a, b| b.1.total_cmp(&a.1));
    peaks.push((r.between(130.0, 270.0), r.between(150.0, 168.0)));
    for (x, tall) in peaks {
        let (left, right) = (x - tall * 0.95, x + tall * 0.9);
        let top = shore - tall;
        let mirrored = [(left, shore), (x, shore + tall * 0.55), (right, shore)];
        c.polygon(faint(rock, 0.32), &mirrored);
        c.polygon(rock, &[(left, shore), (x, top), (right, shore)]);
        let shadow = mix(rock, ink(0x1c2440), 0.5);
        c.polygon(
            shadow,
            &[
                (x, top),
                (right, shore),
                (x + tall * 0.12, shore),
                (x - tall * 0.06, top + tall * 0.5),
            ],
        );
        let snow = |side: f32, part: f32| (x + side * tall * part, top + tall * part.abs() * 1.08);
        let cap = [
            (x, top),
            snow(0.9, 0.36),
            (x + tall * 0.2, top + tall * 0.28),
            (x + tall * 0.08, top + tall * 0.42),
            (x - tall * 0.06, top + tall * 0.27),
            (x - tall * 0.2, top + tall * 0.38),
            snow(-0.93, 0.34),
        ];
        c.polygon(ink(0xf7fbff), &cap);
        let shade = [
            (x, top),
            snow(0.9, 0.36),
            (x + tall * 0.2, top + tall * 0.28),
            (x + tall * 0.06, top + tall * 0.34),
        ];
        c.polygon(ink(0xc4d4ea), &shade);
    }
    let pine = hsl(r.between(120.0, 160.0), 0.35, 0.2);
    c.ellipse(pine, (WIDTH / 2.0, shore), (WIDTH * 0.6, 5.0));
    for _ in 0..r.count(16, 26) {
        fir(
            c,
            pine,
            (r.between(0.0, WIDTH), shore + 3.0),
            r.between(14.0, 28.0),
        );
    }
    for _ in 0..40 {
        let light = faint(ink(0xffffff), r.between(0.1, 0.4));
        let at = (r.between(0.0, WIDTH), r.between(shore + 8.0, HEIGHT));
        c.ellipse(light, at, (r.between(8.0, 30.0), 0.8));
    }
}

/// Cacti in a desert.
pub(super) fn cactus(c: &mut Canvas, r: &mut SplitMix64) {
    let warm = r.between(28.0, 44.0);
    let sky = r.pick(&[178.0, 195.0, 20.0, 340.0]);
    c.band(
        0.0,
        HEIGHT,
        &[hsl(sky, 0.5, 0.66), hsl(warm + 8.0, 0.75, 0.86)],
    );
    c.ball(
        ink(0xfffdf0),
        ink(0xffe9a8),
        (r.between(40.0, 360.0), r.between(35.0, 75.0)),
        20.0,
    );
    for _ in 0..r.count(1, 3) {
        let (x, wide, tall) = (
            r.between(0.0, WIDTH),
            r.between(50.0, 90.0),
            r.between(30.0, 60.0),
        );
        let rock = [hsl(warm - 16.0, 0.5, 0.58), hsl(warm - 20.0, 0.48, 0.44)];
        let mesa = [
            (x - wide, 205.0),
            (x - wide * 0.7, 195.0 - tall),
            (x + wide * 0.7, 195.0 - tall),
            (x + wide, 205.0),
        ];
        c.shaded_polygon(&rock, &mesa);
    }
    c.hills(
        r,
        200.0,
        8.0,
        &[hsl(warm, 0.72, 0.7), hsl(warm - 6.0, 0.6, 0.54)],
    );
    c.hills(
        r,
        245.0,
        10.0,
        &[hsl(warm, 0.75, 0.64), hsl(warm - 8.0, 0.6, 0.42)],
    );
    for _ in 0..14 {
        let at = (r.between(0.0, WIDTH), r.between(225.0, 295.0));
        c.ellipse(faint(ink(0x6b4423), 0.5), at, (r.between(2.0, 6.0), 2.0));
    }
    let hue = r.between(95.0, 150.0);
    for _ in 0..r.count(0, 3) {
        let at = (
            r.pick(&[35.0, 75.0, 105.0, 295.0, 325.0, 365.0]),
            r.between(215.0, 240.0),
        );
        let size = r.between(0.3, 0.5);
        saguaro(c, r, hue, at, size);
    }
    let (at, size) = (
        (r.between(140.0, 260.0), r.between(258.0, 275.0)),
        r.between(0.8, 1.2),
    );
    saguaro(c, r, hue, at, size);
}

/// One cactus by its foot.
fn saguaro(c: &mut Canvas, r: &mut SplitMix64, hue: f32, foot: (f32, f32), size: f32) {
    let arms = [
        (-1.0, r.between(70.0, 105.0)),
        (1.0, r.between(55.0, 100.0)),
    ];
    let flip = if r.chance(0.5) { size } else { -size };
    c.at(foot, 0.0, (flip, size), |c| {
        c.ellipse(faint(ink(0x5a3a1c), 0.35), (26.0, 2.0), (62.0, 7.0));
        let shades = [
            (0.24, 38.0, 0.0),
            (0.36, 30.0, -2.0),
            (0.46, 10.0, -6.0),
            (0.3, 1.6, 4.0),
            (0.3, 1.6, 12.0),
        ];
        for (lightness, wide, shift) in shades {
            let color = hsl(hue, 0.48, lightness);
            c.line(color, wide, &[(shift, -6.0), (shift, -172.0)]);
            for (side, height) in arms {
                let out = side * 52.0 + shift * 0.6;
                let arm = [
                    (side * 14.0, -height),
                    (out, -height),
                    (out, -height - 44.0),
                ];
                c.line(color, wide * 0.68, &arm);
            }
        }
        for (x, y) in [(-4.0, -194.0), (8.0, -190.0)] {
            c.disc(ink(0xf06aa0), (x, y), 7.0);
            c.disc(ink(0xffe27a), (x, y), 2.6);
        }
    });
}

/// Mushrooms on a forest floor.
pub(super) fn mushroom(c: &mut Canvas, r: &mut SplitMix64) {
    let moss = r.between(70.0, 110.0);
    c.band(
        0.0,
        HEIGHT,
        &[hsl(moss + 30.0, 0.3, 0.16), hsl(moss, 0.35, 0.36)],
    );
    for _ in 0..26 {
        let light = faint(hsl(moss - 15.0, 0.7, 0.7), r.between(0.06, 0.22));
        c.disc(
            light,
            (r.between(0.0, WIDTH), r.between(0.0, 190.0)),
            r.between(8.0, 34.0),
        );
    }
    c.hills(
        r,
        232.0,
        10.0,
        &[hsl(moss, 0.5, 0.4), hsl(moss - 20.0, 0.5, 0.16)],
    );
    let hue = r.pick(&[2.0, 8.0, 20.0, 32.0, 355.0]);
    for _ in 0..r.count(1, 3) {
        let at = (
            r.pick(&[55.0, 95.0, 135.0, 275.0, 315.0, 350.0]),
            r.between(245.0, 265.0),
        );
        let size = r.between(0.3, 0.48);
        toadstool(c, r, hue, at, size);
    }
    let (at, size) = (
        (r.between(165.0, 235.0), r.between(266.0, 278.0)),
        r.between(0.95, 1.2),
    );
    toadstool(c, r, hue, at, size);
    for _ in 0..90 {
        let at = (r.between(0.0, WIDTH), r.between(262.0, HEIGHT + 6.0));
        let tip = (at.0 + r.between(-8.0, 8.0), at.1 - r.between(9.0, 24.0));
        c.line(
            hsl(moss + r.between(-15.0, 15.0), 0.55, r.between(0.22, 0.48)),
            2.0,
            &[at, tip],
        );
    }
}

/// One mushroom by its foot.
fn toadstool(c: &mut Canvas, r: &mut SplitMix64, hue: f32, foot: (f32, f32), size: f32) {
    c.at(foot, r.between(-7.0, 7.0), (size, size), |c| {
        c.shape(ink(0xd8ccb4), |p| {
            p.move_to(-20.0, -120.0);
            p.cubic_to(-18.0, -60.0, -26.0, -30.0, -34.0, 4.0);
            p.line_to(34.0, 4.0);
            p.cubic_to(26.0, -30.0, 18.0, -60.0, 20.0, -120.0);
            p.close();
        });
        c.line(ink(0xf6efdf), 16.0, &[(-6.0, -112.0), (-8.0, -10.0)]);
        c.ellipse(ink(0xefe5cf), (0.0, -84.0), (33.0, 9.0));
        c.ellipse(ink(0xc9b896), (0.0, -118.0), (92.0, 17.0));
        for (color, inset) in [(hsl(hue, 0.85, 0.34), 0.0), (hsl(hue, 0.85, 0.48), 10.0)] {
            c.shape(color, |p| {
                p.move_to(-100.0, -114.0);
                p.cubic_to(
                    -98.0,
                    -228.0,
                    98.0 - inset * 2.0,
                    -228.0,
                    100.0 - inset,
                    -114.0,
                );
                p.cubic_to(60.0, -126.0 - inset, -60.0, -126.0 - inset, -100.0, -114.0);
                p.close();
            });
        }
        c.ellipse(faint(ink(0xffffff), 0.25), (-42.0, -172.0), (24.0, 13.0));
        for (x, y) in [
            (-66.0, -142.0),
            (-30.0, -164.0),
            (10.0, -182.0),
            (4.0, -142.0),
            (44.0, -160.0),
            (70.0, -134.0),
            (-36.0, -134.0),
        ] {
            let spot = r.between(5.0, 11.0);
            c.ellipse(
                ink(0xfff8ea),
                (x + r.between(-5.0, 5.0), y),
                (spot, spot * 0.78),
            );
        }
    });
}
