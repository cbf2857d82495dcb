/** The name of a month's partition. Of the month any day is given, as `2026-01-01`. */
export const partitionOf = (month: string) => `audit_log_${month.slice(0, 7).replace('-', '_')}`
