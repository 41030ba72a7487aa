use byname_store::*;
fn main(){ let a: Vec<String> = std::env::args().collect(); let path=&a[1]; let tag=&a[2]; let n: usize=a[3].parse().unwrap();
 let s = FileStore::open(path, FileOptions::new().watch(a.len()>4)).unwrap();
 let mut last=0; for i in 0..n { let name=format!("{tag}-{i:04}"); let r = s.submit(Transaction::new().when(name.as_str(),Condition::Absent).put(name.as_str(), Json::new(format!("\"{tag} {i}\"")).unwrap())).wait().unwrap(); assert!(r>last); last=r; }
}
