//! What is promised of rankings, on small tables with known answers.
