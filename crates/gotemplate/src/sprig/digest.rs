//! Checksums: SHA-1 and SHA-2 (FIPS 180-4), Adler-32 (RFC 1950).
//! In: bytes. Out: hexadecimal, or a number.
//! Never here: use for security; templates name things with them.

pub(super) fn adler32(data: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in data {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    b << 16 | a
}

/// The data with the padding that SHA asks for: blocks of 64 or, with a wide length, 128 bytes.
fn padded(data: &[u8], block: usize) -> Vec<u8> {
    let mut out = data.to_vec();
    out.push(0x80);
    let length = (data.len() as u128) * 8;
    let width = block / 8;
    while out.len() % block != block - width {
        out.push(0);
    }
    out.extend_from_slice(&length.to_be_bytes()[16 - width..]);
    out
}

fn hex32(words: &[u32]) -> String {
    words.iter().map(|word| format!("{word:08x}")).collect()
}

pub(super) fn sha1(data: &[u8]) -> String {
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded(data, 64).chunks_exact(64) {
        let mut w = [0_u32; 80];
        for (word, bytes) in w.iter_mut().zip(block.chunks_exact(4)) {
            *word = bytes.iter().fold(0, |n, b| n << 8 | u32::from(*b));
        }
        for i in 16..80 {
            w[i] = (w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16]).rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (i, word) in w.into_iter().enumerate() {
            let (f, k) = match i {
                0..20 => ((b & c) | (!b & d), 0x5a82_7999),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6),
            };
            let next = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(k).wrapping_add(word);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (sum, part) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(part);
        }
    }
    hex32(&state)
}

/// The first 80 primes, whose roots are SHA-2's constants.
fn primes() -> impl Iterator<Item = u128> {
    (2_u128..).filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0))
}

/// The first 64 bits of the fraction of a root, found by halving.
fn root_fraction(n: u128, degree: u32) -> u64 {
    // The root of n * 2^(64*degree) in 64.64 fixed point, bit by bit from the top.
    let mut root: u128 = 0;
    for bit in (0..68).rev() {
        let next = root | 1 << bit;
        if power_at_most(next, degree, n) {
            root = next;
        }
    }
    root as u64
}

/// Whether `x^degree <= n * 2^(64*degree)`, in words of 32 bits.
fn power_at_most(x: u128, degree: u32, n: u128) -> bool {
    let mut product = vec![1_u64];
    for _ in 0..degree {
        product = multiplied(&product, x);
    }
    let mut bound = vec![0_u64; 2 * degree as usize];
    bound.extend([n as u64 & 0xffff_ffff]);
    let width = product.len().max(bound.len());
    product.resize(width, 0);
    bound.resize(width, 0);
    product.iter().rev().le(bound.iter().rev())
}

fn multiplied(number: &[u64], x: u128) -> Vec<u64> {
    let words = [x as u64 & 0xffff_ffff, (x >> 32) as u64 & 0xffff_ffff, (x >> 64) as u64 & 0xffff_ffff];
    let mut out = vec![0_u64; number.len() + 3];
    for (i, a) in number.iter().enumerate() {
        let mut carry = 0;
        for (j, b) in words.iter().enumerate() {
            let sum = out[i + j] + a * b + carry;
            out[i + j] = sum & 0xffff_ffff;
            carry = sum >> 32;
        }
        out[i + 3] += carry;
    }
    out
}

struct Sha2Constants {
    start: Vec<u64>,
    rounds: Vec<u64>,
}

fn constants() -> &'static Sha2Constants {
    static CONSTANTS: std::sync::OnceLock<Sha2Constants> = std::sync::OnceLock::new();
    CONSTANTS.get_or_init(|| Sha2Constants {
        start: primes().take(8).map(|prime| root_fraction(prime, 2)).collect(),
        rounds: primes().take(80).map(|prime| root_fraction(prime, 3)).collect(),
    })
}

pub(super) fn sha256(data: &[u8]) -> String {
    let constants = constants();
    let mut state: Vec<u32> = constants.start.iter().map(|word| (word >> 32) as u32).collect();
    for block in padded(data, 64).chunks_exact(64) {
        let mut w = [0_u32; 64];
        for (word, bytes) in w.iter_mut().zip(block.chunks_exact(4)) {
            *word = bytes.iter().fold(0, |n, b| n << 8 | u32::from(*b));
        }
        for i in 16..64 {
            let s0 = w[i - 15].rotate_right(7) ^ w[i - 15].rotate_right(18) ^ w[i - 15] >> 3;
            let s1 = w[i - 2].rotate_right(17) ^ w[i - 2].rotate_right(19) ^ w[i - 2] >> 10;
            w[i] = w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1);
        }
        let mut v = state.clone();
        for (word, k) in w.into_iter().zip(&constants.rounds) {
            let s1 = v[4].rotate_right(6) ^ v[4].rotate_right(11) ^ v[4].rotate_right(25);
            let choice = (v[4] & v[5]) ^ (!v[4] & v[6]);
            let t1 = v[7].wrapping_add(s1).wrapping_add(choice).wrapping_add((k >> 32) as u32).wrapping_add(word);
            let s0 = v[0].rotate_right(2) ^ v[0].rotate_right(13) ^ v[0].rotate_right(22);
            let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
            v.rotate_right(1);
            v[4] = v[4].wrapping_add(t1);
            v[0] = t1.wrapping_add(s0).wrapping_add(majority);
        }
        for (sum, part) in state.iter_mut().zip(v) {
            *sum = sum.wrapping_add(part);
        }
    }
    hex32(&state)
}

pub(super) fn sha512(data: &[u8]) -> String {
    let constants = constants();
    let mut state = constants.start.clone();
    for block in padded(data, 128).chunks_exact(128) {
        let mut w = [0_u64; 80];
        for (word, bytes) in w.iter_mut().zip(block.chunks_exact(8)) {
            *word = bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b));
        }
        for i in 16..80 {
            let s0 = w[i - 15].rotate_right(1) ^ w[i - 15].rotate_right(8) ^ w[i - 15] >> 7;
            let s1 = w[i - 2].rotate_right(19) ^ w[i - 2].rotate_right(61) ^ w[i - 2] >> 6;
            w[i] = w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1);
        }
        let mut v = state.clone();
        for (word, k) in w.into_iter().zip(&constants.rounds) {
            let s1 = v[4].rotate_right(14) ^ v[4].rotate_right(18) ^ v[4].rotate_right(41);
            let choice = (v[4] & v[5]) ^ (!v[4] & v[6]);
            let t1 = v[7].wrapping_add(s1).wrapping_add(choice).wrapping_add(*k).wrapping_add(word);
            let s0 = v[0].rotate_right(28) ^ v[0].rotate_right(34) ^ v[0].rotate_right(39);
            let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
            v.rotate_right(1);
            v[4] = v[4].wrapping_add(t1);
            v[0] = t1.wrapping_add(s0).wrapping_add(majority);
        }
        for (sum, part) in state.iter_mut().zip(v) {
            *sum = sum.wrapping_add(part);
        }
    }
    state.iter().map(|word| format!("{word:016x}")).collect()
}
