//! Motifs that live and grow, seen from near.

use super::canvas::{Canvas, HEIGHT, WIDTH, faint, hsl, ink};
use super::random::SplitMix64;

/// One big flower.
pub(super) fn flower(c: &mut Canvas, r: &mut SplitMix64) {
    let green = r.between(85.0, 150.0);
    c.band(
        0.0,
        HEIGHT,
        &[hsl(green, 0.35, 0.5), hsl(green + 10.0, 0.45, 0.24)],
    );
    for _ in 0..30 {
        let blur = faint(
            hsl(green + r.between(-30.0, 30.0), 0.5, r.between(0.3, 0.7)),
            0.28,
        );
        c.disc(
            blur,
            (r.between(0.0, WIDTH), r.between(0.0, HEIGHT)),
            r.between(10.0, 42.0),
        );
    }
    let heart = (r.between(160.0, 240.0), r.between(115.0, 145.0));
    let stem = hsl(green, 0.5, 0.25);
    c.line(
        stem,
        10.0,
        &[heart, (heart.0 + r.between(-25.0, 25.0), HEIGHT + 20.0)],
    );
    for side in [-1.0, 1.0] {
        c.at(
            (heart.0, r.between(245.0, 275.0)),
            side * r.between(20.0, 35.0),
            (side, 1.0),
            |c| {
                leaf(c, hsl(green, 0.5, 0.34), (95.0, 22.0));
                c.line(
                    faint(hsl(green, 0.5, 0.6), 0.7),
                    1.5,
                    &[(4.0, 0.0), (82.0, 0.0)],
                );
            },
        );
    }
    let hue = r.pick(&[345.0, 325.0, 15.0, 42.0, 275.0, 300.0]) + r.between(-8.0, 8.0);
    let petals = r.count(7, 13);
    let length = r.between(88.0, 112.0);
    let turn = r.between(0.0, 360.0);
    for (ring, part) in [(0.0, 1.0), (0.5, 0.74)] {
        for petal in 0..petals {
            let angle = turn + (petal as f32 + ring) * 360.0 / petals as f32;
            c.at(heart, angle, (part, part), |c| {
                let fat = 150.0 / petals as f32 + 8.0;
                leaf(
                    c,
                    hsl(hue, 0.75, 0.42 + 0.1 * ring),
                    (length + 3.0, fat + 2.0),
                );
                leaf(c, hsl(hue, 0.85, 0.60 + 0.1 * ring), (length, fat));
                leaf(
                    c,
                    faint(hsl(hue, 0.9, 0.82), 0.6),
                    (length * 0.8, fat * 0.35),
                );
            });
        }
    }
    let pollen = r.between(38.0, 50.0);
    c.ball(
        hsl(pollen, 0.95, 0.6),
        hsl(pollen - 14.0, 0.8, 0.32),
        heart,
        25.0,
    );
    for seed in 0..60 {
        let (angle, out) = (seed as f32 * 2.4, 3.0 * (seed as f32).sqrt());
        let at = (heart.0 + angle.cos() * out, heart.1 + angle.sin() * out);
        c.disc(
            hsl(pollen - 10.0, 0.8, 0.28 + 0.3 * (seed % 2) as f32),
            at,
            1.3,
        );
    }
}

/// A pointed leaf from the origin to the right.
fn leaf(c: &mut Canvas, color: tiny_skia::Color, (length, fat): (f32, f32)) {
    c.shape(color, |p| {
        p.move_to(0.0, 0.0);
        p.cubic_to(length * 0.35, -fat * 1.2, length * 0.85, -fat, length, 0.0);
        p.cubic_to(length * 0.85, fat, length * 0.35, fat * 1.2, 0.0, 0.0);
        p.close();
    });
}

/// Fish under water.
pub(super) fn fish(c: &mut Canvas, r: &mut SplitMix64) {
    let water = r.between(178.0, 208.0);
    c.band(
        0.0,
        HEIGHT,
        &[
            hsl(water, 0.75, 0.56),
            hsl(water + 8.0, 0.8, 0.34),
            hsl(water + 15.0, 0.8, 0.17),
        ],
    );
    for _ in 0..5 {
        let (x, wide) = (r.between(0.0, WIDTH), r.between(14.0, 34.0));
        let ray = [
            (x, 0.0),
            (x + wide, 0.0),
            (x + wide * 2.0 - 60.0, HEIGHT),
            (x - 110.0, HEIGHT),
        ];
        c.shaded_polygon(
            &[faint(ink(0xd8ffff), 0.28), faint(ink(0xd8ffff), 0.0)],
            &ray,
        );
    }
    c.hills(r, 276.0, 6.0, &[ink(0xd9c38c), ink(0x8a7748)]);
    for _ in 0..r.count(4, 8) {
        let (x, tall) = (r.between(0.0, WIDTH), r.between(40.0, 95.0));
        let color = hsl(r.pick(&[130.0, 95.0, 345.0, 20.0]), 0.6, 0.34);
        for blade in -1..=1 {
            let bend = blade as f32 * 11.0;
            let weed: Vec<_> = (0..9)
                .map(|i| i as f32 / 8.0)
                .map(|t| (x + bend * t + 5.0 * (t * 9.0).sin(), 288.0 - tall * t))
                .collect();
            c.line(color, 5.0, &weed);
        }
    }
    let hue = r.pick(&[22.0, 38.0, 350.0, 50.0, 285.0]);
    for _ in 0..r.count(1, 4) {
        let at = (r.between(30.0, 370.0), r.between(40.0, 220.0));
        let size = r.between(0.24, 0.36);
        let facing = if r.chance(0.5) { size } else { -size };
        swimmer(c, hue + r.between(-25.0, 60.0), at, (facing, size));
    }
    let size = r.between(0.95, 1.25);
    let facing = if r.chance(0.5) { size } else { -size };
    swimmer(
        c,
        hue,
        (r.between(170.0, 230.0), r.between(125.0, 165.0)),
        (facing, size),
    );
    for _ in 0..r.count(8, 18) {
        let (at, radius) = (
            (r.between(20.0, 380.0), r.between(10.0, 240.0)),
            r.between(2.0, 6.5),
        );
        c.disc(faint(ink(0xdffaff), 0.35), at, radius);
        c.disc(
            faint(ink(0xffffff), 0.8),
            (at.0 - radius * 0.3, at.1 - radius * 0.3),
            radius * 0.3,
        );
    }
}

/// One fish that looks to the right.
fn swimmer(c: &mut Canvas, hue: f32, at: (f32, f32), size: (f32, f32)) {
    c.at(at, 0.0, size, |c| {
        let fin = hsl(hue - 12.0, 0.85, 0.45);
        c.polygon(
            fin,
            &[(-70.0, 0.0), (-118.0, -42.0), (-104.0, 0.0), (-118.0, 42.0)],
        );
        c.polygon(fin, &[(-40.0, -36.0), (10.0, -74.0), (44.0, -34.0)]);
        c.polygon(fin, &[(-20.0, 38.0), (-2.0, 66.0), (24.0, 38.0)]);
        let body = |c: &mut Canvas, color, inset: f32| {
            c.shape(color, |p| {
                p.move_to(-82.0 + inset, 0.0);
                p.cubic_to(-45.0, -62.0 + inset, 60.0, -68.0 + inset, 88.0 - inset, 0.0);
                p.cubic_to(60.0, 66.0 - inset, -45.0, 60.0 - inset, -82.0 + inset, 0.0);
                p.close();
            });
        };
        body(c, hsl(hue, 0.9, 0.42), 0.0);
        body(c, hsl(hue, 0.95, 0.57), 6.0);
        for x in [-34.0, 14.0] {
            c.line(
                ink(0xffffff),
                15.0,
                &[(x, -34.0), (x + 6.0, 0.0), (x, 34.0)],
            );
            c.line(
                faint(ink(0x1a1a2a), 0.7),
                2.0,
                &[(x - 9.0, -34.0), (x - 3.0, 0.0), (x - 9.0, 34.0)],
            );
        }
        c.ellipse(fin, (-6.0, 12.0), (17.0, 9.0));
        c.disc(ink(0xffffff), (56.0, -11.0), 10.5);
        c.disc(ink(0x15151f), (59.0, -11.0), 5.8);
        c.disc(ink(0xffffff), (61.0, -13.5), 2.0);
        c.line(hsl(hue, 0.9, 0.25), 2.2, &[(84.0, 9.0), (70.0, 12.0)]);
    });
}

/// A butterfly with open wings.
pub(super) fn butterfly(c: &mut Canvas, r: &mut SplitMix64) {
    let ground = r.between(40.0, 110.0);
    c.band(
        0.0,
        HEIGHT,
        &[hsl(ground, 0.5, 0.9), hsl(ground + 25.0, 0.45, 0.72)],
    );
    for _ in 0..24 {
        let blur = faint(hsl(ground + r.between(-40.0, 60.0), 0.6, 0.8), 0.4);
        c.disc(
            blur,
            (r.between(0.0, WIDTH), r.between(0.0, HEIGHT)),
            r.between(12.0, 40.0),
        );
    }
    for _ in 0..r.count(7, 14) {
        let (x, tall) = (r.between(0.0, WIDTH), r.between(30.0, 85.0));
        c.line(
            hsl(ground + 30.0, 0.45, 0.45),
            3.0,
            &[(x, HEIGHT), (x + r.between(-14.0, 14.0), HEIGHT - tall)],
        );
    }
    let hue = r.pick(&[28.0, 205.0, 48.0, 280.0, 345.0, 18.0]);
    let place = (r.between(170.0, 230.0), r.between(135.0, 165.0));
    let (size, spots) = (r.between(1.0, 1.25), r.count(2, 4));
    c.at(place, r.between(-22.0, 22.0), (size, size), |c| {
        for side in [-1.0, 1.0] {
            c.at((0.0, 0.0), 0.0, (side, 1.0), |c| {
                for (color, part) in [
                    (ink(0x1d1622), 1.0),
                    (hsl(hue, 0.9, 0.52), 0.88),
                    (hsl(hue + 14.0, 0.95, 0.66), 0.52),
                ] {
                    c.at((4.0 * (1.0 - part), 6.0), 0.0, (part, part), |c| {
                        c.shape(color, |p| {
                            p.move_to(0.0, 0.0);
                            p.cubic_to(20.0, -70.0, 90.0, -112.0, 122.0, -84.0);
                            p.cubic_to(136.0, -52.0, 96.0, -4.0, 0.0, 6.0);
                            p.close();
                        });
                        c.shape(color, |p| {
                            p.move_to(0.0, 4.0);
                            p.cubic_to(70.0, 2.0, 100.0, 34.0, 84.0, 66.0);
                            p.cubic_to(66.0, 100.0, 22.0, 84.0, 0.0, 14.0);
                            p.close();
                        });
                    });
                }
                for vein in [
                    (104.0, -74.0),
                    (112.0, -50.0),
                    (88.0, -24.0),
                    (76.0, 48.0),
                    (46.0, 74.0),
                ] {
                    c.line(faint(ink(0x1d1622), 0.7), 1.8, &[(4.0, 4.0), vein]);
                }
                for spot in 0..spots {
                    let at = (112.0 - 14.0 * spot as f32, -80.0 + 24.0 * spot as f32);
                    c.disc(ink(0xffffff), at, 4.6);
                }
                c.disc(ink(0x1d1622), (60.0, 54.0), 10.0);
                c.disc(hsl(hue + 180.0, 0.7, 0.6), (60.0, 54.0), 6.0);
                c.line(
                    ink(0x1d1622),
                    2.0,
                    &[(2.0, -34.0), (14.0, -62.0), (24.0, -72.0)],
                );
                c.disc(ink(0x1d1622), (24.0, -72.0), 3.2);
            });
        }
        c.ellipse(ink(0x2a1f2e), (0.0, 14.0), (7.0, 44.0));
        c.disc(ink(0x2a1f2e), (0.0, -32.0), 9.0);
        for ring in 0..5 {
            c.line(
                faint(ink(0xd9b46a), 0.6),
                1.6,
                &[(-5.0, 10.0 * ring as f32), (5.0, 10.0 * ring as f32)],
            );
        }
    });
}
