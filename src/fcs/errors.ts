export type FcsErrorCode =
  | 'not_fcs'
  | 'version'
  | 'truncated'
  | 'header'
  | 'text'
  | 'keyword'
  | 'mode'
  | 'datatype'
  | 'bits'
  | 'byte_order'
  | 'offsets'
  | 'tot'
  | 'value'
  | 'too_large'

/**
 * Why a file can't be read, in one sentence for a cytometrist. The message holds keyword names,
 * numbers and offsets, never bytes or values from the file.
 */
export class FcsError extends Error {
  readonly code: FcsErrorCode

  constructor(code: FcsErrorCode, message: string) {
    super(message)
    this.name = 'FcsError'
    this.code = code
  }
}

export type FcsWarningCode =
  | 'text_end'
  | 'text_empty_values'
  | 'text_last_delimiter'
  | 'text_leftover'
  | 'text_encoding'
  | 'duplicate_keyword'
  | 'supplemental_text'
  | 'analysis'
  | 'mode_missing'
  | 'byte_order'
  | 'pnb'
  | 'tot_missing'
  | 'tot_smaller'
  | 'data_offsets_disagree'
  | 'data_end'
  | 'amplification'
  | 'spillover'
  | 'pnn_missing'
  | 'duplicate_pnn'
  | 'masked_values'
  | 'next_data'
  | 'crc'

/** A departure from the standard that was survived; another program may refuse the file for it. */
export type FcsWarning = { code: FcsWarningCode; message: string }
