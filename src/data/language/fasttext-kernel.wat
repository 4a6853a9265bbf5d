;; What a fastText model spends its time on, four numbers at a time. Every single number is made by the same additions in the
;; same order as in fasttext.ts: lanes are columns in `add`, labels in `score`, and never parts of one sum.
;; `npx tsx scripts/build-kernel.ts` makes fasttext-kernel.data.ts of it.
(module
  (import "firn" "memory" (memory 1 65536 shared))

  ;; hidden[c] += table[row][c] for every row in turn. Sizes in bytes; `rows` holds row numbers as i32.
  (func (export "add") (param $rows i32) (param $count i32) (param $table i32) (param $hidden i32) (param $width i32)
    (local $end i32) (local $column i32) (local $row i32) (local $at i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $one f32)
    (local.set $end (i32.add (local.get $rows) (i32.shl (local.get $count) (i32.const 2))))
    ;; Sixteen columns at a time, a cache line of each row.
    (block $done16
      (loop $next16
        (br_if $done16 (i32.gt_u (i32.add (local.get $column) (i32.const 64)) (local.get $width)))
        (local.set $at (i32.add (local.get $hidden) (local.get $column)))
        (local.set $a (v128.load (local.get $at)))
        (local.set $b (v128.load offset=16 (local.get $at)))
        (local.set $c (v128.load offset=32 (local.get $at)))
        (local.set $d (v128.load offset=48 (local.get $at)))
        (local.set $row (local.get $rows))
        (block $rowsDone
          (loop $nextRow
            (br_if $rowsDone (i32.ge_u (local.get $row) (local.get $end)))
            (local.set $at
              (i32.add
                (i32.add (local.get $table) (local.get $column))
                (i32.mul (i32.load (local.get $row)) (local.get $width))))
            (local.set $a (f32x4.add (local.get $a) (v128.load (local.get $at))))
            (local.set $b (f32x4.add (local.get $b) (v128.load offset=16 (local.get $at))))
            (local.set $c (f32x4.add (local.get $c) (v128.load offset=32 (local.get $at))))
            (local.set $d (f32x4.add (local.get $d) (v128.load offset=48 (local.get $at))))
            (local.set $row (i32.add (local.get $row) (i32.const 4)))
            (br $nextRow)))
        (local.set $at (i32.add (local.get $hidden) (local.get $column)))
        (v128.store (local.get $at) (local.get $a))
        (v128.store offset=16 (local.get $at) (local.get $b))
        (v128.store offset=32 (local.get $at) (local.get $c))
        (v128.store offset=48 (local.get $at) (local.get $d))
        (local.set $column (i32.add (local.get $column) (i32.const 64)))
        (br $next16)))
    ;; What is left, one by one.
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $column) (local.get $width)))
        (local.set $one (f32.load (i32.add (local.get $hidden) (local.get $column))))
        (local.set $row (local.get $rows))
        (block $rowsDone
          (loop $nextRow
            (br_if $rowsDone (i32.ge_u (local.get $row) (local.get $end)))
            (local.set $one
              (f32.add
                (local.get $one)
                (f32.load
                  (i32.add
                    (i32.add (local.get $table) (local.get $column))
                    (i32.mul (i32.load (local.get $row)) (local.get $width))))))
            (local.set $row (i32.add (local.get $row) (i32.const 4)))
            (br $nextRow)))
        (f32.store (i32.add (local.get $hidden) (local.get $column)) (local.get $one))
        (local.set $column (i32.add (local.get $column) (i32.const 4)))
        (br $next))))

  ;; scores[label] = Σ packed[label][c] · hidden[c], c rising. `packed`: blocks of sixteen labels, in each their numbers column
  ;; after column.
  (func (export "score") (param $packed i32) (param $blocks i32) (param $hidden i32) (param $width i32) (param $scores i32)
    (local $end i32) (local $at i32) (local $x v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $end (i32.add (local.get $hidden) (local.get $width)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $blocks)))
        (local.set $a (v128.const f32x4 0 0 0 0))
        (local.set $b (v128.const f32x4 0 0 0 0))
        (local.set $c (v128.const f32x4 0 0 0 0))
        (local.set $d (v128.const f32x4 0 0 0 0))
        (local.set $at (local.get $hidden))
        (block $columnsDone
          (loop $nextColumn
            (br_if $columnsDone (i32.ge_u (local.get $at) (local.get $end)))
            (local.set $x (v128.load32_splat (local.get $at)))
            (local.set $a (f32x4.add (local.get $a) (f32x4.mul (v128.load (local.get $packed)) (local.get $x))))
            (local.set $b (f32x4.add (local.get $b) (f32x4.mul (v128.load offset=16 (local.get $packed)) (local.get $x))))
            (local.set $c (f32x4.add (local.get $c) (f32x4.mul (v128.load offset=32 (local.get $packed)) (local.get $x))))
            (local.set $d (f32x4.add (local.get $d) (f32x4.mul (v128.load offset=48 (local.get $packed)) (local.get $x))))
            (local.set $packed (i32.add (local.get $packed) (i32.const 64)))
            (local.set $at (i32.add (local.get $at) (i32.const 4)))
            (br $nextColumn)))
        (v128.store (local.get $scores) (local.get $a))
        (v128.store offset=16 (local.get $scores) (local.get $b))
        (v128.store offset=32 (local.get $scores) (local.get $c))
        (v128.store offset=48 (local.get $scores) (local.get $d))
        (local.set $scores (i32.add (local.get $scores) (i32.const 64)))
        (local.set $blocks (i32.sub (local.get $blocks) (i32.const 1)))
        (br $next)))))
