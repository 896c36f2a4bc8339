//! How far the stream's horizon lags, and whether the store answers at all.

use deadpool_postgres::Pool;

use super::{
    StoreError,
    lease::Lease,
    schema::{self, Standing},
};

/// Seconds since the oldest open write transaction of the whole cluster began.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn age(pool: &Pool) -> Result<f64, StoreError> {
    Ok(Lease::of(pool).await?.one(sql!("horizon_age"), &[]).await?.get(0))
}

/// Asks the database how its schema stands to this binary; the answer also shows that it is there.
///
/// # Errors
/// [`StoreError`] when the database cannot be asked.
pub async fn schema_standing(pool: &Pool) -> Result<Standing, StoreError> {
    let row = Lease::of(pool).await?.one(sql!("schema_standing"), &[]).await?;
    Ok(schema::judge(row.get(0), row.get(1)))
}
