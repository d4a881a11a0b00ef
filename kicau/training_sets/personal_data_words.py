"""Words by which rules tell personal data from other numbers in Indonesian and English texts (see personal.py)."""

from __future__ import annotations

DIGIT_WORDS = {
    "nol": "0",
    "kosong": "0",
    "satu": "1",
    "dua": "2",
    "tiga": "3",
    "empat": "4",
    "lima": "5",
    "enam": "6",
    "tujuh": "7",
    "delapan": "8",
    "lapan": "8",
    "sembilan": "9",
}
MAIL_PROVIDERS = "gmail|googlemail|yahoo|ymail|rocketmail|outlook|hotmail|live|icloud|proton|protonmail|zoho|mail|aol"
BANKS = (
    "bca|bri|bni|bsi|btn|mandiri|cimb(?: niaga)?|niaga|danamon|permata|maybank|ocbc(?: nisp)?|panin|btpn|jenius|jago|seabank"
    "|muamalat|bjb|bank dki|bank jakarta|bank mega|bukopin|kb bank|sinarmas|uob|hsbc|citibank|allo bank|bank neo|neo commerce"
    "|blu|superbank|krom|bank jatim|bank jateng|bank sumut|bank nagari|bank kalbar|bpd \\w+|line bank|hana|raya|bank aladin"
)
# What has a number and is no person's: before such a number.
PRODUCT_WORDS = (
    "resi|awb|imei|isbn|issn|sku|barcode|ean|upc|serial|seri|s/n|invoice|inv|faktur|nota|kode|token|voucher|kupon|idpel"
    "|id pelanggan|nomor pelanggan|nomor meter|no\\.? meter|bpom|md|pirt|p-irt|nib|haki|ref|referensi|trx|transaksi|pelacakan|tracking"
    "|no\\.? pesanan|nomor pesanan|no\\.? order|order no\\.?|order nomor|pesanan no\\.?|pesanan nomor|nomor order|order id|id order|id pesanan|id transaksi|kode booking|booking"
    "|tiket|batch|lot|no\\.? mesin|no\\.? rangka|model|tipe|versi|build|commit|hash|doi|nisn|npsn|nuptk|akreditasi|sertifikat|izin"
    "|surat|sk|perkara|putusan|undian|kupon|parsel|paket|kontainer|penerbangan|kereta|kursi|lotre|produk|artikel|id|uid|undang-undang"
)
# Behind a number that is no house's.
UNIT_WORDS = (
    "km|kilometer|m|meter|cm|menit|mnt|jam|detik|hari|minggu|pekan|bulan|bln|tahun|thn|th|orang|kali|x|ribu|rb|juta|jt|miliar"
    "|triliun|persen|%|lantai|arah|titik|mobil|motor|buah|unit|kg|gram|porsi|gelas|cup|lajur|jalur|kendaraan|derajat|pohon|kios"
    "|januari|februari|maret|april|mei|juni|juli|agustus|september|oktober|november|desember|jan|feb|mar|apr|jun|jul|agu|agt|sep"
    "|okt|nov|des|wib|wita|wit|am|pm|tim|peserta|rumah|ruko|warung|langkah|episode|edisi|musim|tingkat|kota|negara|provinsi"
)
# Streets of nearly every town, as they are written in small letters.
STREET_NAMES = (
    "melati|mawar|anggrek|kenanga|cempaka|dahlia|flamboyan|teratai|seroja|tulip|sakura|bougenville|kamboja|matahari|tanjung"
    "|merdeka|kemerdekaan|pahlawan|pemuda|veteran|proklamasi|pancasila|sudirman|jenderal sudirman|diponegoro|ahmad yani|a\\.? yani"
    "|gatot subroto|kartini|imam bonjol|hasanuddin|gajah mada|hayam wuruk|siliwangi|sukarno hatta|soekarno hatta|sisingamangaraja"
    "|teuku umar|cut nyak dien|dewi sartika|wahidin|sutomo|cokroaminoto|agus salim|juanda|otista|pattimura|untung suropati"
    "|rajawali|elang|garuda|merpati|kutilang|cendrawasih|kenari|nuri|walet|gelatik|mangga|durian|rambutan|nangka|manggis|jambu"
    "|salak|delima|kelapa|pisang|jeruk|apel|beringin|jati|mahoni|akasia|pinus|cemara|damar|meranti|bambu|pandan|waru|kelor|asem"
    "|masjid|sekolah|stasiun|pasar|kampus|mesjid|pelajar|mahasiswa|pertanian|industri|kesehatan|bahagia|damai|sejahtera|makmur"
)
ESTATE_WORDS = (
    "kawasan industri|kawasan|perumahan|perum|perumnas|komplek|kompleks|komp|apartemen|apartment|apt|rusunawa|rusun|cluster|klaster|residence|griya"
    "|graha|villa|vila|puri|permata|bukit|pondok|kost|kos|asrama|ruko|rukan"
)
# The letters with which the plates of each region begin.
PLATE_CODES = (
    "AA|AB|AD|AE|AG|BA|BB|BD|BE|BG|BH|BK|BL|BM|BN|BP|DA|DB|DC|DD|DE|DG|DH|DK|DL|DM|DN|DP|DR|DS|DT|DW|EA|EB|ED|KB|KH|KT|KU"
    "|PA|PB|A|B|D|E|F|G|H|K|L|M|N|P|R|S|T|W|Z"
)
# Behind a number and no plate's: units and other short words in capitals.
UNIT_LETTERS = (
    "KM|GB|MB|TB|KG|RB|JT|PM|AM|WIB|WIT|HP|CC|MM|CM|ML|GR|TV|K|M|X|C|IU|DPI|FPS|HZ|MHZ|GHZ|KW|W|V|MAH|AH|PSI|RPM"
    "|USD|IDR|IPA|IPS|TI|SI|PT|CV|KK|RT|RW|SD|SMP|SMA|SMK|TNI|THN|BC|AD|GP|PRO|MAX|LED|LCD|AC|DC|USB|PCS|PAX"
)
VEHICLE_WORDS = (
    "plat|pelat|nopol|no\\.? ?pol|nomor polisi|nomor kendaraan|kendaraan|mobil|motor|truk|bus|angkot|taksi|ojol|driver|pengemudi"
    "|stnk|bpkb|avanza|xenia|innova|ertiga|xpander|brio|jazz|pajero|fortuner|agya|ayla|calya|sigra|rush|terios|yaris|hiace|vario"
    "|beat|scoopy|nmax|pcx|aerox|mio|supra|satria|vixion|vespa|livina|carry|l300|pick ?up|tabrak lari|parkir|dicuri|curian|sopir"
)
HONORIFICS = (
    "bapak|bpk|ibu|pak|bu|mas|mbak|mba|mbok|haji|hajjah|hj|h|kh|k\\.h|kiai|kyai|ustaz|ustadz|ustazah|ustadzah|gus|dr|ir|prof"
    "|profesor|drs|dra|dokter|kak|kakak|bang|abang|om|tante|saudara|saudari|sdr|sdri|tuan|nyonya|nona|tn|ny|nn|teh|teteh|aa"
    "|kang|cak|ning|uda|uni|daeng|bli|mbah|eyang|nek|kakek|nenek|bude|pakde|raden|mr|mrs|ms|miss|sir|madam|bunda|umi|abah|pendeta"
    "|pdt|romo|suster|bruder|pastor|koh|ko|ci|cik|encik|datuk|tengku|insinyur|kapten|kolonel|jenderal|letnan|sersan|bripka"
)
# Behind an honorific and no name: an office, a kin, a thing.
ROLE_WORDS = (
    "blok|kota|pertiwi|negara|presiden|wakil|menteri|gubernur|bupati|wali|walikota|camat|lurah|rt|rw|guru|dosen|kepala|ketua|direktur"
    "|manajer|hakim|jaksa|polisi|dokter|bidan|perawat|hamil|menyusui|rumah|kandung|angkat|tiri|asuh|mertua|bangsa|proklamator"
    "|pembina|pengawas|pendeta|ustaz|ustadz|haji|sekalian|semua|dan|atau|yang|juga|kami|kita|saya|anda|mereka|itu|ini|di|ke|dari"
    "|kawin|murni|putih|batangan|antam|tua|muda|kos|kost|pkk|dharma|bhayangkari|jari|tiri|satpam|sopir|tukang|ojek|driver|admin"
    "|selamat|terima|tolong|mohon|silakan|jangan|sudah|belum|ada|mau|bisa|boleh|nanti|besok|sekarang|hari|lebaran|natal|idul"
    "|indonesia|jakarta|bandung|surabaya|jawa|sunda|batak|minang|bali|gorengan|bakso|sayur|warung|kantin|pejabat|pengusaha|tamu"
    "|eropa|soviet|emirat|afrika|botol|kotak|pucuk|celup|poci|tarik|tubruk|hijau|manis|word|excel|office|teams|paint|access|windows"
    "|bean|diy|crab|krab|muscle|universe|world|grand|telolet|google|jago|paud|pepper|who|strange|martens|mabrur|plus|reguler|umrah|furoda|kampung|desa|sekolah|kelas|bos|boss|pimpinan|sekretaris|bendahara"
)
