//! Motifs that are wide views.

use super::canvas::{Canvas, HEIGHT, WIDTH, faint, hsl, ink, mix};
use super::random::SplitMix64;

/// The sun going down behind hills.
pub(super) fn sunset(c: &mut Canvas, r: &mut SplitMix64) {
    let skies = [
        [0x3b1f5b, 0xb5387a, 0xff7a4a, 0xffd27a],
        [0x1f2a60, 0x8c3f8f, 0xf2606b, 0xffb866],
        [0x5a1d3c, 0xd1403f, 0xff8f3a, 0xffe08a],
    ];
    let sky = r.pick(&skies).map(ink);
    let horizon = r.between(165.0, 205.0);
    c.band(0.0, HEIGHT, &[sky[0], sky[1], sky[2], sky[3], sky[3]]);
    let sun = (r.between(120.0, 280.0), horizon - r.between(0.0, 45.0));
    let radius = r.between(28.0, 44.0);
    c.glow(faint(ink(0xfff3c0), 0.85), sun, radius * 3.6);
    c.ball(ink(0xfffbe0), ink(0xffcf5c), sun, radius);
    for _ in 0..r.count(3, 6) {
        let y = r.between(30.0, horizon - 20.0);
        let x = r.between(20.0, 380.0);
        let wide = r.between(40.0, 110.0);
        c.ellipse(faint(sky[1], 0.45), (x, y), (wide, 3.5));
        c.ellipse(
            faint(ink(0xffe2c0), 0.4),
            (x + 14.0, y - 3.0),
            (wide * 0.7, 2.0),
        );
    }
    for step in 0..4 {
        let depth = step as f32 / 3.0;
        let near = mix(sky[1], ink(0x180f2b), 0.25 + 0.7 * depth);
        let lit = mix(near, sky[2], 0.28 * (1.0 - depth) + 0.06);
        c.hills(r, horizon + 5.0 + 30.0 * step as f32, 16.0, &[lit, near]);
    }
    for _ in 0..r.count(0, 6) {
        let (x, y) = (r.between(40.0, 360.0), r.between(30.0, 110.0));
        let wing = r.between(4.0, 8.0);
        let bird = [
            (x - wing, y - wing * 0.5),
            (x, y),
            (x + wing, y - wing * 0.5),
        ];
        c.line(ink(0x2a1636), 1.6, &bird);
    }
}

/// A sailing boat at sea.
pub(super) fn sailboat(c: &mut Canvas, r: &mut SplitMix64) {
    let horizon = r.between(150.0, 180.0);
    let blue = r.between(196.0, 214.0);
    c.band(
        0.0,
        horizon,
        &[hsl(blue + 6.0, 0.75, 0.52), hsl(blue, 0.8, 0.88)],
    );
    for _ in 0..r.count(2, 4) {
        let at = (r.between(30.0, 370.0), r.between(30.0, 95.0));
        let size = r.between(50.0, 95.0);
        c.cloud(r, ink(0xffffff), at, size);
    }
    c.band(
        horizon,
        HEIGHT,
        &[hsl(blue - 12.0, 0.6, 0.52), hsl(blue + 6.0, 0.75, 0.24)],
    );
    for _ in 0..70 {
        let y = r.between(horizon + 3.0, HEIGHT);
        let near = (y - horizon) / (HEIGHT - horizon);
        let (x, wide) = (r.between(0.0, WIDTH), 6.0 + 26.0 * near);
        let light = faint(ink(0xe8fbff), r.between(0.15, 0.5));
        c.ellipse(light, (x, y), (wide, 0.7 + 1.2 * near));
    }
    let sail = r.pick(&[0xffffff, 0xfff4d6, 0xf25c4a, 0xffc93c]);
    let hull = r.pick(&[0x9c2f2f, 0x1f3c63, 0x7a4a24, 0xf4f1ea]);
    let place = (
        r.between(150.0, 250.0),
        r.between(horizon + 28.0, horizon + 58.0),
    );
    let size = r.between(0.95, 1.4);
    let facing = if r.chance(0.5) { size } else { -size };
    c.at(place, r.between(-6.0, 6.0), (facing, size), |c| {
        c.ellipse(faint(ink(0x0c2f4c), 0.45), (0.0, 27.0), (72.0, 6.0));
        c.line(ink(0x5b3a20), 3.0, &[(0.0, 0.0), (0.0, -122.0)]);
        let mainsail = [(4.0, -118.0), (4.0, -8.0), (62.0, -8.0)];
        c.shaded_polygon(&[ink(sail), mix(ink(sail), ink(0x7088a8), 0.3)], &mainsail);
        let jib = [(-4.0, -108.0), (-4.0, -8.0), (-46.0, -8.0)];
        c.shaded_polygon(
            &[
                mix(ink(sail), ink(0xffffff), 0.4),
                mix(ink(sail), ink(0x7088a8), 0.2),
            ],
            &jib,
        );
        c.line(
            faint(ink(0x40506a), 0.4),
            1.0,
            &[(4.0, -60.0), (35.0, -60.0)],
        );
        c.polygon(
            ink(0xe23d3d),
            &[(0.0, -122.0), (0.0, -134.0), (-20.0, -128.0)],
        );
        c.shape(ink(hull), |p| {
            p.move_to(-66.0, 0.0);
            p.line_to(74.0, 0.0);
            p.quad_to(60.0, 28.0, 40.0, 28.0);
            p.line_to(-44.0, 28.0);
            p.quad_to(-60.0, 22.0, -66.0, 0.0);
            p.close();
        });
        c.line(ink(0xffffff), 3.0, &[(-63.0, 6.0), (69.0, 6.0)]);
    });
}

/// A city's skyline at night.
pub(super) fn skyline(c: &mut Canvas, r: &mut SplitMix64) {
    let hue = r.between(220.0, 262.0);
    c.band(
        0.0,
        HEIGHT,
        &[
            hsl(hue, 0.6, 0.07),
            hsl(hue, 0.5, 0.2),
            hsl(hue + 40.0, 0.4, 0.36),
        ],
    );
    for _ in 0..90 {
        let at = (r.between(0.0, WIDTH), r.between(0.0, 170.0));
        c.disc(
            faint(ink(0xffffff), r.between(0.2, 0.9)),
            at,
            r.between(0.5, 1.3),
        );
    }
    if r.chance(0.75) {
        let moon = (r.between(50.0, 350.0), r.between(35.0, 70.0));
        c.glow(faint(ink(0xf8f2d0), 0.5), moon, 60.0);
        c.ball(ink(0xfffdf0), ink(0xd9d2b0), moon, r.between(14.0, 22.0));
    }
    let windows = [ink(0xffd873), ink(0xffefb5), ink(0xffb54d), ink(0xa8dcff)];
    for (row, low, high) in [(0, 120.0, 215.0), (1, 70.0, 160.0)] {
        let wall = hsl(hue, 0.35, if row == 0 { 0.27 } else { 0.11 });
        let mut x = -r.between(0.0, 25.0);
        while x < WIDTH {
            let (wide, tall) = (r.between(26.0, 52.0), r.between(low, high));
            let top = HEIGHT - 20.0 - tall;
            c.rect(wall, (x, top), (wide, HEIGHT - top));
            match r.count(0, 4) {
                0 => c.line(
                    wall,
                    2.0,
                    &[(x + wide / 2.0, top), (x + wide / 2.0, top - 26.0)],
                ),
                1 => c.polygon(
                    wall,
                    &[(x, top), (x + wide / 2.0, top - 24.0), (x + wide, top)],
                ),
                2 => c.rect(wall, (x + wide * 0.2, top - 9.0), (wide * 0.6, 10.0)),
                _ => {}
            }
            let lit = r.between(0.3, 0.7);
            for line in 0..(tall / 10.0) as usize {
                for column in 0..((wide - 8.0) / 8.0) as usize {
                    let at = (
                        x + 6.0 + 8.0 * column as f32,
                        top + 8.0 + 10.0 * line as f32,
                    );
                    if r.chance(lit) {
                        c.rect(r.pick(&windows), at, (4.2, 5.6));
                    }
                }
            }
            x += wide + r.between(1.0, 7.0);
        }
    }
    c.band(282.0, HEIGHT, &[hsl(hue, 0.5, 0.16), hsl(hue, 0.5, 0.06)]);
    for _ in 0..60 {
        let light = faint(r.pick(&windows), r.between(0.2, 0.7));
        let at = (r.between(0.0, WIDTH), r.between(284.0, HEIGHT));
        c.ellipse(light, at, (r.between(3.0, 9.0), 0.9));
    }
}

/// Hot-air balloons among clouds.
pub(super) fn balloon(c: &mut Canvas, r: &mut SplitMix64) {
    let blue = r.between(188.0, 222.0);
    c.band(
        0.0,
        HEIGHT,
        &[
            hsl(blue, 0.7, 0.55),
            hsl(blue - 8.0, 0.75, 0.74),
            hsl(42.0, 0.8, 0.9),
        ],
    );
    for _ in 0..r.count(3, 5) {
        let at = (r.between(0.0, WIDTH), r.between(40.0, 240.0));
        let size = r.between(70.0, 130.0);
        c.cloud(r, ink(0xffffff), at, size);
    }
    let hue = r.between(0.0, 360.0);
    for far in 0..r.count(0, 2) {
        let at = (r.pick(&[60.0, 105.0, 300.0, 345.0]), r.between(60.0, 190.0));
        envelope(c, hue + 90.0 + 70.0 * far as f32, at, r.between(0.22, 0.36));
    }
    envelope(
        c,
        hue,
        (r.between(160.0, 240.0), r.between(105.0, 128.0)),
        r.between(0.9, 1.2),
    );
    let at = (r.between(0.0, WIDTH), 290.0);
    c.cloud(r, ink(0xffffff), at, 180.0);
}

/// One balloon, striped in colours around `hue`.
fn envelope(c: &mut Canvas, hue: f32, at: (f32, f32), size: f32) {
    c.at(at, 0.0, (size, size), |c| {
        for side in [-1.0, 1.0] {
            c.line(
                ink(0x5d4630),
                1.4,
                &[(side * 26.0, 66.0), (side * 9.0, 104.0)],
            );
        }
        let gores = [(82.0, 0.0), (62.0, 1.0), (38.0, 0.0), (13.0, 1.0)];
        for (wide, odd) in gores {
            let color = if odd > 0.5 {
                hsl(hue + 42.0, 0.9, 0.62)
            } else {
                hsl(hue, 0.8, 0.48)
            };
            c.shape(color, |p| {
                p.move_to(0.0, -86.0);
                p.cubic_to(wide * 1.34, -86.0, wide * 1.34, 10.0, wide * 0.34, 72.0);
                p.line_to(-wide * 0.34, 72.0);
                p.cubic_to(-wide * 1.34, 10.0, -wide * 1.34, -86.0, 0.0, -86.0);
                p.close();
            });
        }
        c.ellipse(faint(ink(0xffffff), 0.22), (-30.0, -36.0), (17.0, 32.0));
        c.rect(hsl(hue, 0.8, 0.3), (-28.0, 66.0), (56.0, 6.0));
        c.rect(ink(0x8a5a2b), (-12.0, 102.0), (24.0, 18.0));
        c.rect(ink(0xb98346), (-14.0, 101.0), (28.0, 5.0));
    });
}

/// A snowman in falling snow.
pub(super) fn snowman(c: &mut Canvas, r: &mut SplitMix64) {
    let cold = r.between(205.0, 240.0);
    c.band(0.0, HEIGHT, &[hsl(cold, 0.4, 0.5), hsl(cold, 0.4, 0.8)]);
    c.hills(
        r,
        205.0,
        14.0,
        &[hsl(cold, 0.4, 0.9), hsl(cold, 0.35, 0.78)],
    );
    c.hills(r, 238.0, 8.0, &[ink(0xffffff), hsl(cold, 0.35, 0.86)]);
    let scarf = hsl(r.pick(&[355.0, 130.0, 210.0, 45.0, 290.0]), 0.75, 0.45);
    let hat = ink(r.pick(&[0x22222a, 0x5a2430, 0x24405a]));
    let place = (r.between(160.0, 240.0), r.between(256.0, 268.0));
    let size = r.between(0.92, 1.1);
    let flip = if r.chance(0.5) { size } else { -size };
    c.at(place, 0.0, (flip, size), |c| {
        c.ellipse(faint(hsl(cold, 0.4, 0.4), 0.4), (14.0, 6.0), (84.0, 12.0));
        for side in [-1.0, 1.0] {
            c.line(
                ink(0x5b3d25),
                4.5,
                &[(side * 34.0, -106.0), (side * 92.0, -140.0)],
            );
            c.line(
                ink(0x5b3d25),
                3.0,
                &[(side * 76.0, -131.0), (side * 84.0, -152.0)],
            );
        }
        let (light, dark) = (ink(0xffffff), hsl(cold, 0.35, 0.74));
        c.ball(light, dark, (0.0, -46.0), 58.0);
        c.ball(light, dark, (0.0, -118.0), 43.0);
        c.ball(light, dark, (0.0, -178.0), 32.0);
        for y in [-128.0, -108.0, -60.0, -38.0] {
            c.disc(ink(0x2a2a30), (2.0, y), 4.4);
        }
        c.line(
            scarf,
            14.0,
            &[(-27.0, -150.0), (0.0, -143.0), (27.0, -150.0)],
        );
        c.line(scarf, 13.0, &[(20.0, -146.0), (28.0, -106.0)]);
        c.disc(ink(0x1c1c22), (-11.0, -186.0), 4.0);
        c.disc(ink(0x1c1c22), (13.0, -186.0), 4.0);
        c.polygon(
            ink(0xf28a2e),
            &[(0.0, -180.0), (38.0, -172.0), (0.0, -170.0)],
        );
        c.line(
            ink(0x1c1c22),
            2.4,
            &[(-12.0, -166.0), (-2.0, -161.0), (10.0, -163.0)],
        );
        c.ellipse(hat, (0.0, -204.0), (40.0, 7.0));
        c.rect(hat, (-25.0, -246.0), (50.0, 42.0));
        c.rect(scarf, (-25.0, -216.0), (50.0, 9.0));
    });
    for _ in 0..r.count(60, 120) {
        let at = (r.between(0.0, WIDTH), r.between(0.0, HEIGHT));
        c.disc(
            faint(ink(0xffffff), r.between(0.5, 1.0)),
            at,
            r.between(1.2, 3.4),
        );
    }
}
