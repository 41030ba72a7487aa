use byname_registry::Registry;
use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;
fn time(label: &str, n: usize, mut f: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..15 {
        let t = Instant::now();
        f();
        best = best.min(t.elapsed().as_nanos() as f64 / n as f64);
    }
    println!("{label:30} {best:.2}");
    best
}
#[derive(Clone)]
struct Svc([u64; 6]);
fn main() {
    for n in [10usize, 100, 1000, 100_000] {
        println!("n={n}");
        let names: Vec<String> = (0..n)
            .map(|i| format!("service-{}-{i}", "x".repeat(i % 25)))
            .collect();
        let mut q: Vec<String> = (0..2).flat_map(|_| names.clone()).collect();
        let mut s = 12345u64;
        for i in (1..q.len()).rev() {
            s = s.wrapping_mul(6364136223846793005).wrapping_add(1);
            q.swap(i, (s >> 33) as usize % (i + 1));
        }
        let map: HashMap<std::sync::Arc<str>, std::sync::Arc<Svc>, foldhash::fast::RandomState> =
            names
                .iter()
                .map(|n| (n.as_str().into(), std::sync::Arc::new(Svc([1; 6]))))
                .collect();
        let reg: Registry<Svc> = names.iter().map(|n| (n.as_str(), Svc([1; 6]))).collect();
        let reps = (200_000 / q.len()).max(1);
        let ops = reps * q.len();
        let f = time("hashmap", ops, || {
            let mut a = 0;
            for _ in 0..reps {
                for k in &q {
                    a += black_box(&map).get(k.as_str()).unwrap().0[2];
                }
            }
            black_box(a);
        });
        let v = time("view", ops, || {
            let mut a = 0;
            let view = reg.view();
            for _ in 0..reps {
                for k in &q {
                    a += black_box(&view).get(k).unwrap().0[2];
                }
            }
            black_box(a);
        });
        let b = time("bare get", ops, || {
            let mut a = 0;
            for _ in 0..reps {
                for k in &q {
                    a += black_box(&reg).get(k).unwrap().0[2];
                }
            }
            black_box(a);
        });
        let hs: Vec<_> = q.iter().map(|k| reg.handle(k).unwrap()).collect();
        time("handle bare", ops, || {
            let mut a = 0;
            for _ in 0..reps {
                for k in &hs {
                    a += k.get().unwrap().0[2];
                }
            }
            black_box(a);
        });
        time("handle in view", ops, || {
            let mut a = 0;
            let view = reg.view();
            for _ in 0..reps {
                for k in &hs {
                    a += k.get_in(&view).unwrap().0[2];
                }
            }
            black_box(a);
        });
        println!("ratios view {:.2} bare {:.2}", v / f, b / f);
        drop(hs);
        let mut rw = std::sync::RwLock::new(map.clone());
        let _ = &mut rw;
        let w = time("rwlock insert", q.len(), || {
            for k in &q {
                rw.write()
                    .unwrap()
                    .insert(k.as_str().into(), std::sync::Arc::new(Svc([2; 6])));
            }
        });
        let w2 = time("registry put", q.len(), || {
            for k in &q {
                reg.put(k, Svc([2; 6])).unwrap();
            }
        });
        println!("put ratio {:.2}", w2 / w);
        time("snapshot", 1000, || {
            for _ in 0..1000 {
                black_box(reg.snapshot());
            }
        });
        time("owned", ops, || {
            for _ in 0..reps {
                for k in &q {
                    black_box(reg.get_owned(k));
                }
            }
        });
        time("transaction 2", 1000, || {
            for _ in 0..1000 {
                reg.transaction(|d| {
                    let a = d.get("service--0").unwrap().0[0];
                    d.put("service--0", Svc([a + 1; 6]))?;
                    d.put("service-x-1", Svc([a + 1; 6]))
                })
                .unwrap();
            }
        });
    }
}
