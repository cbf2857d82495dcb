;; Loops over events of float32 channels, four channels at a time (128-bit SIMD). An event is `stride` bytes, and the
;; events lie side by side from `events` on. They are loops and no more: kernels.ts says what is where and calls them.
(module
  (memory (export "memory") 8)

  ;; Of four channels: their least and greatest values (two times f32x4 at `out`), then the sums of their distances
  ;; from the first event's values and of the squares of these (two times four f64). None of it means anything when a
  ;; value is NaN or infinite: then the sum of squares isn't finite.
  (func (export "moments")
    (param $events i32) (param $stride i32) (param $rows i32) (param $out i32)
    (local $value v128) (local $least v128) (local $most v128)
    (local $origin01 v128) (local $origin23 v128)
    (local $distance v128)
    (local $sum01 v128) (local $sum23 v128) (local $squares01 v128) (local $squares23 v128)
    (local.set $value (v128.load align=1 (local.get $events)))
    (local.set $least (local.get $value))
    (local.set $most (local.get $value))
    (local.set $origin01 (f64x2.promote_low_f32x4 (local.get $value)))
    (local.set $origin23
      (f64x2.promote_low_f32x4
        (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15
          (local.get $value) (local.get $value))))
    (loop $event
      (local.set $value (v128.load align=1 (local.get $events)))
      (local.set $least (f32x4.pmin (local.get $least) (local.get $value)))
      (local.set $most (f32x4.pmax (local.get $most) (local.get $value)))
      (local.set $distance
        (f64x2.sub (f64x2.promote_low_f32x4 (local.get $value)) (local.get $origin01)))
      (local.set $sum01 (f64x2.add (local.get $sum01) (local.get $distance)))
      (local.set $squares01
        (f64x2.add (local.get $squares01) (f64x2.mul (local.get $distance) (local.get $distance))))
      (local.set $distance
        (f64x2.sub
          (f64x2.promote_low_f32x4
            (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15
              (local.get $value) (local.get $value)))
          (local.get $origin23)))
      (local.set $sum23 (f64x2.add (local.get $sum23) (local.get $distance)))
      (local.set $squares23
        (f64x2.add (local.get $squares23) (f64x2.mul (local.get $distance) (local.get $distance))))
      (local.set $events (i32.add (local.get $events) (local.get $stride)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $event (local.get $rows)))
    (v128.store (local.get $out) (local.get $least))
    (v128.store offset=16 (local.get $out) (local.get $most))
    (v128.store offset=32 (local.get $out) (local.get $sum01))
    (v128.store offset=48 (local.get $out) (local.get $sum23))
    (v128.store offset=64 (local.get $out) (local.get $squares01))
    (v128.store offset=80 (local.get $out) (local.get $squares23)))

  ;; Of four channels, given their bounds (two times f32x4 at `bounds`): how many values are below the lower one (i32x4
  ;; at `out`), how many are from the lower to the upper one (i32x4 after it), and the latter themselves, each
  ;; channel's in a list of its own: the first at `lists`, each next one `room` bytes further.
  (func (export "split")
    (param $events i32) (param $stride i32) (param $rows i32) (param $bounds i32)
    (param $out i32) (param $lists i32) (param $room i32)
    (local $low v128) (local $high v128) (local $value v128) (local $below v128) (local $within v128)
    (local $end0 i32) (local $end1 i32) (local $end2 i32) (local $end3 i32)
    (local.set $low (v128.load (local.get $bounds)))
    (local.set $high (v128.load offset=16 (local.get $bounds)))
    (local.set $end0 (local.get $lists))
    (local.set $end1 (i32.add (local.get $end0) (local.get $room)))
    (local.set $end2 (i32.add (local.get $end1) (local.get $room)))
    (local.set $end3 (i32.add (local.get $end2) (local.get $room)))
    (loop $event
      (local.set $value (v128.load align=1 (local.get $events)))
      (local.set $below
        (i32x4.sub (local.get $below) (f32x4.lt (local.get $value) (local.get $low))))
      (local.set $within
        (v128.and
          (f32x4.ge (local.get $value) (local.get $low))
          (f32x4.le (local.get $value) (local.get $high))))
      (if (v128.any_true (local.get $within))
        (then
          ;; Written always, and kept by moving the list's end.
          (f32.store (local.get $end0) (f32x4.extract_lane 0 (local.get $value)))
          (f32.store (local.get $end1) (f32x4.extract_lane 1 (local.get $value)))
          (f32.store (local.get $end2) (f32x4.extract_lane 2 (local.get $value)))
          (f32.store (local.get $end3) (f32x4.extract_lane 3 (local.get $value)))
          ;; A lane of the mask is 0 or -1.
          (local.set $within (i32x4.shl (local.get $within) (i32.const 2)))
          (local.set $end0
            (i32.sub (local.get $end0) (i32x4.extract_lane 0 (local.get $within))))
          (local.set $end1
            (i32.sub (local.get $end1) (i32x4.extract_lane 1 (local.get $within))))
          (local.set $end2
            (i32.sub (local.get $end2) (i32x4.extract_lane 2 (local.get $within))))
          (local.set $end3
            (i32.sub (local.get $end3) (i32x4.extract_lane 3 (local.get $within))))))
      (local.set $events (i32.add (local.get $events) (local.get $stride)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $event (local.get $rows)))
    (v128.store (local.get $out) (local.get $below))
    (i32.store offset=16 (local.get $out)
      (call $length (local.get $lists) (local.get $end0)))
    (local.set $lists (i32.add (local.get $lists) (local.get $room)))
    (i32.store offset=20 (local.get $out)
      (call $length (local.get $lists) (local.get $end1)))
    (local.set $lists (i32.add (local.get $lists) (local.get $room)))
    (i32.store offset=24 (local.get $out)
      (call $length (local.get $lists) (local.get $end2)))
    (local.set $lists (i32.add (local.get $lists) (local.get $room)))
    (i32.store offset=28 (local.get $out)
      (call $length (local.get $lists) (local.get $end3))))

  ;; Turns the bytes of values round, four values at a time: `bytes` of them, and up to 12 beyond.
  (func (export "swap") (param $at i32) (param $bytes i32)
    (local $value v128)
    (loop $values
      (local.set $value (v128.load (local.get $at)))
      (v128.store (local.get $at)
        (i8x16.shuffle 3 2 1 0 7 6 5 4 11 10 9 8 15 14 13 12
          (local.get $value) (local.get $value)))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (local.set $bytes (i32.sub (local.get $bytes) (i32.const 16)))
      (br_if $values (i32.gt_s (local.get $bytes) (i32.const 0)))))

  ;; Values in a list.
  (func $length (param $begin i32) (param $end i32) (result i32)
    (i32.shr_u (i32.sub (local.get $end) (local.get $begin)) (i32.const 2))))
