//! Rules of the house: generated files are up to date, and the API's rules hold in code as in CEL.

mod cases;
mod crds;
mod rules;
