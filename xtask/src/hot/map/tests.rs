//! Lines as lld writes them.

use super::*;

const MAP: &str = "\
             VMA              LMA     Size Align Out     In      Symbol
          19f6a0           19f6a0   1a8090    64 .text
          19f6a0           19f6a0       c0    16         /t/deps/newleaf_proxy-07c9.newleaf_proxy.4fca-cgu.0.rcgu.o:(.text._ZN5tokio4park5Inner4park17hcf3d968136a92f38E)
          19f760           19f760       10    16         /t/deps/newleaf_proxy-07c9.newleaf_proxy.4fca-cgu.0.rcgu.o:(.text._RNvMs5_NtNtCsjrHSEGnQ3l9_3std2io5error)
          2dc8b0           2dc8b0       10    16         /t/rustc05/libaws_lc_sys-916a.rlib(e8e49743d348fd96-cbb.o):(.text.aws_lc_0_47_0_CBB_zero)
          2dc8b0           2dc8b0       10     1                 aws_lc_0_47_0_CBB_zero
          2dc8c0           2dc8c0       66    16         /t/rustc05/libaws_lc_sys-916a.rlib(e8e49743d348fd96-cbb.o):(.text.aws_lc_0_47_0_CBB_init)
          2dc8c0           2dc8c0       66     1                 aws_lc_0_47_0_CBB_init
          2dd8c0           2dd8c0       66    16         /t/rustc05/libaws_lc_sys-916a.rlib(00d1b03bb8efc9c1-p256_montjscalarmul.o):(.text)
          7788c0           7788c0     2297    16         /usr/lib/x86_64-linux-gnu/libc.a(malloc.o):(.text)
          7b98c0           7b98c0     2297    16         /usr/lib/x86_64-linux-gnu/libc.a(memchr.o):(.text)
          8788c0           8788c0       10    16         /usr/lib/x86_64-linux-gnu/libc.a(malloc.o):(.data)
          8788c0           8788c0       10     1                 main_arena
";

/// What `nm` says of it. Two functions that are alike have become one; which name of it callgrind tells is chance.
const SYMBOLS: &str = "\
000000000019f6a0 t _ZN5tokio4park4Same17h0123456789abcdefE
000000000019f6a0 t _ZN5tokio4park5Inner4park17hcf3d968136a92f38E
000000000019f760 t _RNvMs5_NtNtCsjrHSEGnQ3l9_3std2io5error
00000000002dc8b0 T aws_lc_0_47_0_CBB_zero
00000000002dc8c0 T aws_lc_0_47_0_CBB_init
00000000002dd8d0 t Lp256_montjscalarmul_p256_montjadd
0000000000778900 t _int_malloc
00000000007b98c0 t memchr_ifunc
00000000008788c0 d main_arena
                 w nobody
";

#[test]
fn what_ran_is_picked_by_a_name_that_lasts() {
    let seen = [
        "_ZN5tokio4park4Same17h0123456789abcdefE",
        "_RNvMs5_NtNtCsjrHSEGnQ3l9_3std2io5error",
        "aws_lc_0_47_0_CBB_init",
        "Lp256_montjscalarmul_p256_montjadd",
        "_int_malloc",
        "main_arena",
        "nobody",
    ];
    let places = places(SYMBOLS, &seen.map(str::to_owned).into());
    let mut patterns = hot(MAP, &places);
    let unseen = patterns.split_off(patterns.len() - UNSEEN.len());
    assert_eq!(unseen, UNSEEN);
    assert_eq!(
        patterns,
        [
            "*(.text._ZN5tokio4park5Inner4park17h*)",
            "*(.text._RNvMs5_NtNtCs*_3std2io5error)",
            "*(.text.aws_lc_*_CBB_init)",
            "*p256_montjscalarmul.o(.text .text.*)",
            "*libc.a:malloc.o(.text .text.*)",
            "*libc.a:memchr.o(.text .text.*)",
        ]
    );
}

#[test]
fn what_only_looks_like_a_hash_stays() {
    for name in [
        ".text.Cs",
        ".text.Csome_fn",
        ".text.17habc",
        ".text.aws_lc_x",
        ".text.aws_lc_1_2",
    ] {
        assert_eq!(lasting(name), name);
    }
    assert_eq!(lasting(".text.a$LT$b"), ".text.a?LT?b");
    assert_eq!(
        lasting(".text._RNvCs1a_4core.2370"),
        ".text._RNvCs*_4core.*"
    );
}
