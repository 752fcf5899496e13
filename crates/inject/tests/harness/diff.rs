//! What differs between two texts, line by line.
//! In: two texts. Out: lines that only the first has behind `-`, those that only the second has behind `+`, and a line
//! before each change; empty for equal texts.
//! Never here: anything about pods.

/// The difference.
pub fn diff(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let begin = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[begin..], &new[begin..]);
    let end = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old_rest[..old_rest.len() - end], &new_rest[..new_rest.len() - end]);
    // The longest common subsequence of what is left in the middle.
    let mut common = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i][j] = if a[i] == b[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let mut out = String::new();
    let (mut i, mut j) = (0, 0);
    let mut inside = false;
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            (i, j, inside) = (i + 1, j + 1, false);
            continue;
        }
        if !inside && let Some(before) = (begin + i).checked_sub(1) {
            out += &format!("  {}\n", old[before]);
        }
        inside = true;
        if j >= b.len() || i < a.len() && common[i + 1][j] >= common[i][j + 1] {
            out += &format!("- {}\n", a[i]);
            i += 1;
        } else {
            out += &format!("+ {}\n", b[j]);
            j += 1;
        }
    }
    out
}
