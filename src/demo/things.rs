//! Motifs that are a made thing seen from near.

use super::canvas::{Canvas, HEIGHT, WIDTH, faint, hsl, ink, mix};
use super::random::SplitMix64;

/// A house in its garden.
pub(super) fn house(c: &mut Canvas, r: &mut SplitMix64) {
    c.band(
        0.0,
        230.0,
        &[hsl(r.between(195.0, 215.0), 0.7, 0.68), ink(0xf3fafd)],
    );
    let at = (r.between(40.0, 360.0), 50.0);
    c.cloud(r, ink(0xffffff), at, 80.0);
    let lawn = r.between(85.0, 120.0);
    c.hills(
        r,
        205.0,
        8.0,
        &[hsl(lawn, 0.45, 0.58), hsl(lawn, 0.5, 0.34)],
    );
    let wall = ink(r.pick(&[0xf6e3c0, 0xf2c6b0, 0xdfe8ef, 0xf4efe6, 0xe8c35e]));
    let roof = ink(r.pick(&[0xa63d2f, 0x7c3b2d, 0x46566b, 0xb5522f]));
    let door = ink(r.pick(&[0x2f6b4f, 0x7a2e2e, 0x2d4a7c, 0x6a4426]));
    let place = (r.between(165.0, 235.0), r.between(236.0, 252.0));
    let size = r.between(0.85, 1.1);
    let flip = if r.chance(0.5) { size } else { -size };
    let crown = hsl(r.between(80.0, 130.0), 0.45, 0.36);
    c.at(place, 0.0, (flip, size), |c| {
        c.rect(ink(0x6d4a2e), (118.0, -70.0), (12.0, 70.0));
        for (x, y, radius) in [
            (108.0, -92.0, 32.0),
            (142.0, -92.0, 30.0),
            (124.0, -122.0, 34.0),
        ] {
            c.ball(mix(crown, ink(0xe6f29a), 0.35), crown, (x, y), radius);
        }
        c.rect(ink(0x8a4b3a), (42.0, -186.0), (20.0, 50.0));
        c.shaded_polygon(
            &[wall, mix(wall, ink(0x6a5a4a), 0.22)],
            &[(-92.0, 0.0), (-92.0, -92.0), (92.0, -92.0), (92.0, 0.0)],
        );
        c.shaded_polygon(
            &[
                mix(roof, ink(0xffffff), 0.12),
                mix(roof, ink(0x200808), 0.25),
            ],
            &[
                (-112.0, -88.0),
                (-62.0, -166.0),
                (62.0, -166.0),
                (112.0, -88.0),
            ],
        );
        for row in 0..5 {
            let y = -152.0 + 14.0 * row as f32;
            let half = 70.0 + 9.0 * row as f32;
            c.line(faint(ink(0x2a1010), 0.3), 1.2, &[(-half, y), (half, y)]);
        }
        c.rect(door, (-17.0, -58.0), (34.0, 58.0));
        c.disc(ink(0xf3cf5a), (10.0, -28.0), 2.4);
        for x in [-74.0, 38.0] {
            c.rect(ink(0xffffff), (x - 3.0, -69.0), (42.0, 42.0));
            c.rect(ink(0x8fc4e8), (x, -66.0), (36.0, 36.0));
            c.polygon(
                faint(ink(0xffffff), 0.4),
                &[(x, -66.0), (x + 22.0, -66.0), (x, -44.0)],
            );
            c.line(ink(0xffffff), 2.6, &[(x + 18.0, -66.0), (x + 18.0, -30.0)]);
            c.line(ink(0xffffff), 2.6, &[(x, -48.0), (x + 36.0, -48.0)]);
        }
        c.polygon(
            ink(0xd9c9a8),
            &[(-17.0, 0.0), (17.0, 0.0), (44.0, 70.0), (-40.0, 70.0)],
        );
    });
    for _ in 0..r.count(25, 50) {
        let petal = hsl(r.pick(&[345.0, 10.0, 48.0, 290.0]), 0.85, 0.65);
        let at = (r.between(0.0, WIDTH), r.between(258.0, 296.0));
        c.line(hsl(lawn, 0.5, 0.25), 1.4, &[at, (at.0, at.1 + 8.0)]);
        c.disc(petal, at, r.between(2.4, 4.2));
    }
}

/// A cup on a table.
pub(super) fn cup(c: &mut Canvas, r: &mut SplitMix64) {
    let wall = r.between(0.0, 360.0);
    c.band(0.0, 215.0, &[hsl(wall, 0.3, 0.86), hsl(wall, 0.3, 0.72)]);
    for stripe in 0..14 {
        c.rect(
            faint(hsl(wall, 0.4, 0.6), 0.22),
            (stripe as f32 * 30.0, 0.0),
            (13.0, 215.0),
        );
    }
    let wood = r.between(18.0, 34.0);
    c.band(200.0, HEIGHT, &[hsl(wood, 0.5, 0.5), hsl(wood, 0.55, 0.28)]);
    for _ in 0..36 {
        let at = (r.between(0.0, WIDTH), r.between(203.0, HEIGHT));
        c.ellipse(
            faint(hsl(wood, 0.6, 0.2), 0.3),
            at,
            (r.between(20.0, 80.0), 0.9),
        );
    }
    let glaze = hsl(
        r.between(0.0, 360.0),
        r.between(0.35, 0.8),
        r.between(0.4, 0.6),
    );
    let place = (r.between(165.0, 235.0), r.between(246.0, 262.0));
    let size = r.between(0.9, 1.15);
    let (flip, dotted) = (if r.chance(0.5) { size } else { -size }, r.chance(0.5));
    c.at(place, 0.0, (flip, size), |c| {
        c.ellipse(faint(ink(0x1f0f05), 0.35), (12.0, 4.0), (112.0, 15.0));
        c.ellipse(ink(0xd9d3c8), (0.0, 0.0), (98.0, 14.0));
        c.ellipse(ink(0xfbf8f2), (0.0, -3.0), (98.0, 13.0));
        let handle: Vec<_> = (0..=12)
            .map(|i| (i as f32 / 12.0 - 0.5) * 3.2)
            .map(|a| (56.0 + 46.0 * a.cos(), -68.0 + 38.0 * a.sin()))
            .collect();
        c.line(mix(glaze, ink(0x101018), 0.25), 15.0, &handle);
        for (color, inset) in [(mix(glaze, ink(0x101018), 0.3), 0.0), (glaze, 9.0)] {
            c.shape(color, |p| {
                p.move_to(-72.0, -124.0);
                p.line_to(72.0 - inset, -124.0);
                p.cubic_to(70.0 - inset, -45.0, 58.0 - inset, -4.0, 34.0 - inset, -2.0);
                p.line_to(-34.0, -2.0);
                p.cubic_to(-58.0, -4.0, -70.0, -45.0, -72.0, -124.0);
                p.close();
            });
        }
        c.line(
            faint(ink(0xffffff), 0.45),
            9.0,
            &[(-56.0, -104.0), (-52.0, -66.0), (-44.0, -38.0)],
        );
        if dotted {
            for (x, y) in [
                (-18.0, -84.0),
                (22.0, -84.0),
                (0.0, -58.0),
                (38.0, -56.0),
                (-20.0, -32.0),
                (18.0, -30.0),
            ] {
                c.disc(faint(ink(0xffffff), 0.85), (x, y), 8.0);
            }
        } else {
            c.rect(faint(ink(0xffffff), 0.85), (-68.0, -82.0), (128.0, 10.0));
            c.rect(faint(ink(0xffffff), 0.85), (-65.0, -64.0), (122.0, 5.0));
        }
        c.ellipse(mix(glaze, ink(0xffffff), 0.5), (0.0, -124.0), (72.0, 17.0));
        c.ellipse(ink(0x3a1f10), (0.0, -122.0), (63.0, 12.5));
        c.ellipse(ink(0x8a5630), (-6.0, -120.0), (48.0, 8.0));
        for (x, lean) in [(-26.0, 10.0), (2.0, -12.0), (28.0, 10.0)] {
            let steam: Vec<_> = (0..14)
                .map(|i| i as f32 / 13.0)
                .map(|t| (x + lean * (t * 6.0).sin(), -134.0 - 66.0 * t))
                .collect();
            c.line(faint(ink(0xffffff), 0.55), 6.0, &steam);
        }
    });
}

/// A car on a road.
pub(super) fn car(c: &mut Canvas, r: &mut SplitMix64) {
    let dawn = r.between(190.0, 230.0);
    c.band(
        0.0,
        200.0,
        &[hsl(dawn, 0.55, 0.66), hsl(dawn - 140.0, 0.6, 0.9)],
    );
    let field = r.between(55.0, 110.0);
    c.hills(
        r,
        150.0,
        20.0,
        &[hsl(field + 25.0, 0.3, 0.6), hsl(field + 20.0, 0.35, 0.45)],
    );
    c.hills(
        r,
        182.0,
        8.0,
        &[hsl(field, 0.5, 0.55), hsl(field, 0.5, 0.42)],
    );
    c.band(208.0, HEIGHT, &[ink(0x6a6d75), ink(0x3c3e46)]);
    c.rect(ink(0xe8e4d8), (0.0, 211.0), (WIDTH, 3.0));
    let dashes = r.between(0.0, 60.0);
    for dash in -1..7 {
        let x = dash as f32 * 70.0 + dashes;
        c.polygon(
            ink(0xf4e7b0),
            &[
                (x + 4.0, 268.0),
                (x + 42.0, 268.0),
                (x + 38.0, 275.0),
                (x, 275.0),
            ],
        );
    }
    let paint = hsl(
        r.pick(&[2.0, 14.0, 46.0, 150.0, 205.0, 225.0, 330.0]),
        0.75,
        r.between(0.42, 0.55),
    );
    let place = (r.between(160.0, 240.0), r.between(240.0, 256.0));
    let size = r.between(0.95, 1.2);
    let flip = if r.chance(0.5) { size } else { -size };
    c.at(place, 0.0, (flip, size), |c| {
        c.ellipse(faint(ink(0x08080c), 0.5), (0.0, 3.0), (140.0, 10.0));
        c.shape(mix(paint, ink(0x101018), 0.12), |p| {
            p.move_to(-84.0, -54.0);
            p.cubic_to(-66.0, -100.0, -52.0, -104.0, -8.0, -104.0);
            p.cubic_to(34.0, -104.0, 46.0, -88.0, 74.0, -54.0);
            p.close();
        });
        let glass = [ink(0xe2f3fb), ink(0x7fa6bd)];
        c.shaded_polygon(
            &glass,
            &[
                (-70.0, -56.0),
                (-52.0, -92.0),
                (-14.0, -95.0),
                (-14.0, -56.0),
            ],
        );
        c.shaded_polygon(
            &glass,
            &[(-6.0, -56.0), (-6.0, -95.0), (28.0, -92.0), (58.0, -56.0)],
        );
        c.shape(paint, |p| {
            p.move_to(-130.0, -18.0);
            p.cubic_to(-134.0, -52.0, -122.0, -58.0, -84.0, -58.0);
            p.line_to(76.0, -58.0);
            p.cubic_to(116.0, -52.0, 134.0, -44.0, 134.0, -18.0);
            p.line_to(128.0, -8.0);
            p.line_to(-126.0, -8.0);
            p.close();
        });
        c.line(
            faint(ink(0xffffff), 0.4),
            3.0,
            &[(-118.0, -48.0), (84.0, -50.0)],
        );
        c.line(
            faint(ink(0x0a0a10), 0.45),
            1.6,
            &[(-10.0, -56.0), (-10.0, -12.0)],
        );
        c.line(
            faint(ink(0x0a0a10), 0.6),
            3.0,
            &[(0.0, -42.0), (14.0, -42.0)],
        );
        c.rect(ink(0x2a2c33), (-130.0, -14.0), (262.0, 7.0));
        c.ellipse(ink(0xfff3b8), (124.0, -32.0), (8.0, 9.0));
        c.rect(ink(0xd62b2b), (-132.0, -42.0), (9.0, 14.0));
        for x in [-78.0, 80.0] {
            c.disc(ink(0x17181d), (x, -8.0), 27.0);
            c.ball(ink(0xf0f2f5), ink(0x8b9098), (x, -8.0), 15.0);
            c.disc(ink(0x4b4e55), (x, -8.0), 5.0);
        }
    });
}

/// A tiled wall: rows of one ornament.
pub(super) fn tiles(c: &mut Canvas, r: &mut SplitMix64) {
    let hue = r.between(0.0, 360.0);
    let colors = [
        hsl(hue, 0.65, 0.4),
        hsl(hue + 35.0, 0.7, 0.58),
        hsl(hue + 180.0, 0.65, 0.52),
        hsl(hue + 20.0, 0.35, 0.92),
    ];
    let side = r.pick(&[40.0, 50.0, 66.67]);
    let turned = r.chance(0.5);
    c.band(0.0, HEIGHT, &[colors[3], colors[3]]);
    for row in 0..8 {
        for column in 0..11 {
            let at = (side * (column as f32 + 0.5), side * (row as f32 + 0.5));
            let even = (row + column) % 2 == 0;
            let (ground, figure) = if even {
                (colors[3], colors[0])
            } else {
                (colors[0], colors[3])
            };
            c.at(at, 0.0, (side / 100.0, side / 100.0), |c| {
                c.rect(ground, (-50.0, -50.0), (100.0, 100.0));
                for quarter in 0..4 {
                    c.at((0.0, 0.0), quarter as f32 * 90.0, (1.0, 1.0), |c| {
                        c.polygon(colors[1], &[(-50.0, -50.0), (-10.0, -50.0), (-50.0, -10.0)]);
                        let tip = if turned { (34.0, 34.0) } else { (0.0, 46.0) };
                        c.polygon(figure, &[(0.0, 0.0), (24.0, 8.0), tip, (-8.0, 24.0)]);
                    });
                }
                c.disc(colors[2], (0.0, 0.0), 15.0);
                c.disc(ground, (0.0, 0.0), 6.0);
                let grout = faint(ink(0x2b2b33), 0.35);
                let frame = [(-50.0, -50.0), (50.0, -50.0), (50.0, 50.0)];
                c.line(grout, 2.5, &frame);
            });
        }
    }
}
