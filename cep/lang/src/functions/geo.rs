//! Distances on the globe.

use arrow_schema::DataType;

use super::definition::{Definition, Param, Params, Returns};

/// Mean radius of the Earth in metres (IUGG, R₁ of GRS 80).
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// Great-circle distance in metres between two points in degrees, by the haversine formula
/// (R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68, 1984).
fn distance_m(latitude_a: f64, longitude_a: f64, latitude_b: f64, longitude_b: f64) -> f64 {
    let (phi_a, phi_b) = (latitude_a.to_radians(), latitude_b.to_radians());
    let half_phi = libm::sin((phi_b - phi_a) / 2.0);
    let half_lambda = libm::sin((longitude_b - longitude_a).to_radians() / 2.0);
    let h = half_phi * half_phi + libm::cos(phi_a) * libm::cos(phi_b) * half_lambda * half_lambda;
    2.0 * EARTH_RADIUS_M * libm::asin(libm::sqrt(h.min(1.0)))
}

pub(super) fn functions() -> Vec<Definition> {
    vec![
        Definition::new(
            "geo_distance",
            "geo_distance(latitude_a, longitude_a, latitude_b, longitude_b)",
            "Great-circle distance in metres between two points given in degrees. DOUBLE.",
            Params::exactly(&[Param::Double, Param::Double, Param::Double, Param::Double]),
            Returns::Type(DataType::Float64),
            |call| {
                let (a, b, c, d) = (call.doubles(0)?, call.doubles(1)?, call.doubles(2)?, call.doubles(3)?);
                call.build_double(|row| {
                    Ok(match (a.at(row), b.at(row), c.at(row), d.at(row)) {
                        (Some(a), Some(b), Some(c), Some(d)) => Some(distance_m(a, b, c, d)),
                        _ => None,
                    })
                })
            },
        )
        .aliased(&["haversine"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_distances() {
        // A quarter of the equator, and pole to pole.
        let quarter = std::f64::consts::FRAC_PI_2 * EARTH_RADIUS_M;
        assert!((distance_m(0.0, 0.0, 0.0, 90.0) - quarter).abs() < 1e-6);
        assert!((distance_m(90.0, 0.0, -90.0, 0.0) - 2.0 * quarter).abs() < 1e-6);
        assert_eq!(distance_m(48.0, 11.0, 48.0, 11.0), 0.0);
        // Antipodes must not leave the domain of asin.
        assert!(distance_m(0.3, 0.1, -0.3, -179.9).is_finite());
        // Vienna to Paris, about 1,034 km.
        let km = distance_m(48.2082, 16.3738, 48.8566, 2.3522) / 1000.0;
        assert!((1_030.0..1_040.0).contains(&km), "{km}");
    }
}
