// The clocks by which pg-boss does what is due: that of this machine between two looks, and that of the database for what
// is written. It relies on neither being set back, and would else do nothing until it is where it was.
import type { Clock } from 'pg-boss'

/** That of this machine as it would be had nobody set it since this process began. */
export const steadyClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  setTimeout: (work, ms) => setTimeout(work, ms),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  setInterval: (work, ms) => setInterval(work, ms),
  clearInterval: (timer) => clearInterval(timer as NodeJS.Timeout),
}

/**
 * SQL that makes due now what, by the database's clock, is due later than it can be: it was written before that clock was set
 * back. These are the last look at jobs whose instance is silent, that instance's last sign of life, and the next try of a job.
 */
export const redating = (schema: string, queue: string) => `
  update ${schema}.queue set monitor_on = now(), monitor_claim_on = now()
  where name = '${queue}' and greatest(monitor_on, monitor_claim_on) > now();
  update ${schema}.job set heartbeat_on = now()
  where name = '${queue}' and state = 'active' and heartbeat_on > now();
  update ${schema}.job set start_after = now()
  where name = '${queue}' and state < 'active' and start_after > now() + interval '1 second' *
    case state when 'retry' then least(retry_delay_max, 2 ^ (retry_count + 1)) else 0 end`
