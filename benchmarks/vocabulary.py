"""The words of the synthetic corpus: slot names enter; phrases leave, the frequent ones first.

Nothing here is quoted from a data set. In every list the first phrases are drawn the most often, as in
real text (see `corpus.draw_phrases`).
"""

__all__ = ["CHINESE_PATTERNS", "CHINESE_SLOTS", "ENGLISH_PATTERNS", "ENGLISH_SLOTS"]


def _split(text: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in text.split("/"))


ENGLISH_SLOTS = {
    "opener": _split(
        "How can I/What is the best way to/Is it acceptable to/Should I/Why should anybody/Can I/"
        "Would it be wrong to/What happens if I/Is there a quick way to/Do I have the right to/"
        "How would you/Am I allowed to/Could you explain how to/Is it wise to/Who decides whether to/"
        "When is it reasonable to/Which steps do I need to/Would you help me to/What does it take to/"
        "Is anybody ever obliged to/How long does it take to/Is it considered rude to/"
        "What are the arguments against trying to/Where do I learn to"
    ),
    "verb": _split(
        "share/hide/change/report/refuse/copy/check/explain/sell/keep/publish/question/review/ignore/"
        "record/delete/accept/compare/postpone/correct/challenge/describe/replace/borrow/store/sign/"
        "translate/criticise/inspect/forward/renew/collect/withdraw/promote/prepare/"
        "request/repair/discuss/restrict/summarise/lend/defend/cancel/document/rewrite/announce/"
        "measure/supervise/approve/exaggerate/reconsider/transfer/anonymise/disclose/forbid/rehearse"
    ),
    "adjective": _split(
        "new/private/old/personal/confidential/medical/public/unusual/small/political/honest/free/"
        "national/expensive/unfair/religious/foreign/early/official/broken/local/anonymous/written/"
        "secret/missing/annual/dangerous/elderly/digital/second-hand/temporary/unverified/misleading/"
        "controversial/popular/international/disabled/inherited/unpaid/rural/homemade/statistical/"
        "voluntary/handwritten/multilingual/outdated/unlicensed/regional/embarrassing/fragile"
    ),
    "noun": _split(
        "report/message/account/letter/file/photo/story/contract/rule/record/password/picture/plan/"
        "result/job application/website/medicine/payment/form/machine/decision/promise/complaint/"
        "article/salary/diagnosis/test result/address/recipe/invoice/survey/camera/experiment/"
        "insurance claim/prescription/certificate/advertisement/apartment/rumour/petition/diary/"
        "speech/vehicle/translation/receipt/algorithm/newsletter/donation/tax return/passport/"
        "recommendation/school project/examination/conversation/vote/charity/recording/warning label/"
        "questionnaire/database/inheritance/manuscript/credit score/biography/apology/reference/"
        "rental agreement/membership/timetable/laboratory sample/subscription/appointment/statement/"
        "ladder/chemical/monument/customer review/dictionary/spreadsheet/encyclopedia/archive/"
        "permit/satellite image/census/loan/screenshot/dataset/tradition/schedule/thermostat/"
        "curriculum/blueprint/voicemail/transcript/ceremony/microscope/greenhouse/constitution"
    ),
    "owner": _split(
        "my/the/a/their/somebody's/our/this/my neighbour's/his/her/that/my employer's/another/"
        "a colleague's/my daughter's/the company's/my patient's/the city's/a stranger's/my teacher's/"
        "my grandmother's/the museum's/a customer's/my landlord's/the editor's/my tenant's"
    ),
    "place": _split(
        "at work/at school/online/in a hospital/in my country/at home/in public/on social media/"
        "in a small town/in court/at the airport/during an interview/at a wedding/in the library/"
        "in a shared office/on a train/at the bank/in a nursing home/on the factory floor/abroad/"
        "at the border/in a rented flat/on a construction site/at a conference/in the village"
    ),
    "person": _split(
        "my friend/my boss/a child/my brother/the police/my neighbour/a student/my mother/a customer/"
        "the teacher/a colleague/my partner/an old man/the doctor/a stranger/my landlord/a journalist/"
        "the mayor/an applicant/a pensioner/my cousin/a volunteer/the insurance company/a refugee/"
        "the nurse/my former manager/an engineer/the librarian/a bus driver/the accountant"
    ),
    "reason": _split(
        "to save money/without asking/before the deadline/for the family/because it is cheaper/"
        "to avoid trouble/although the law is unclear/in order to help/without hurting anybody/"
        "if nobody finds out/to protect the children/so that everybody is treated equally/"
        "after such a long time/even though it feels unfair/when there is no other choice/"
        "to win an argument/while others are waiting/for a good cause/instead of telling the truth/"
        "to please the committee/despite the doctor's advice/out of respect for their religion/"
        "with the help of a lawyer/in exchange for a favour/to keep the neighbourhood quiet"
    ),
    "claim": _split(
        "told me about/asked me for/complained about/lost/wants to see/found/keeps talking about/"
        "refuses to hand over/forgot to mention/apologised for/paid twice for/misunderstood/"
        "is proud of/secretly recorded/is worried about/inherited/laughed at/wrote a poem about/"
        "cannot afford/threw away/made fun of/is responsible for/argued with me over/offered me"
    ),
    "request": _split(
        "What should I do?/Please analyse whether this is right and give reasons./Is that fair?/"
        "How do I answer?/What are my options now?/Should I say something?/Who is responsible?/"
        "Please write a polite reply for me./How would you handle this situation?/Do I have to agree?/"
        "Tell me what the law says about it./Can I still change my mind?/What would a reasonable "
        "person do in my place?/Which of us is right?/How can I protest without losing my job?"
    ),
}

ENGLISH_PATTERNS = (
    "{opener} {verb} {owner} {adjective} {noun} and {verb} {owner} {noun} {reason}?",
    "{opener} {verb} {owner} {adjective} {noun} {place} {reason}?",
    "{opener} {verb} {owner} {noun} or {noun} that {person} {claim}?",
    "{opener} {verb} {owner} {adjective} {adjective} {noun}?",
    "{person} {claim} {owner} {adjective} {noun} {place}. {request}",
    "{opener} {verb} {owner} {noun} with {person} {place}?",
    "{person} {claim} {owner} {adjective} {noun} {reason}, and {person} {claim} {owner} {noun}. {request}",
    "{opener} {verb} {owner} {adjective} {noun} when {person} {claim} {owner} {noun} {place} {reason}?",
    "Write {adjective} advice for {person}: {opener} {verb} {owner} {noun} {reason}?",
    "{person} {claim} {owner} {noun}. {opener} {verb} {owner} {noun} and {verb} {noun} {place} {reason}?",
)

CHINESE_SLOTS = {
    "谁": _split(
        "我/我的朋友/邻居/同事/老板/老师/医生/一个孩子/房东/客户/我的母亲/陌生人/志愿者/记者/司机/"
        "经理/护士/学生家长/我的表哥/退休工人/律师/图书管理员"
    ),
    "何时": _split(
        "今天/昨天/上个星期/最近/有一次/在会议上/在学校里/在医院里/在网上/春节期间/面试的时候/出差途中"
    ),
    "做": _split(
        "公开了/修改了/拒绝了/复印了/删除了/借走了/批评了/保存了/举报了/忘记了/翻译了/拍摄了/取消了/"
        "转发了/收藏了/签署了/误解了/推迟了/检查了/宣传了"
    ),
    "的": _split(
        "重要的/私人的/旧的/昂贵的/公司的/匿名的/不公平的/医学方面的/过期的/国外的/手写的/传统的/临时的/"
        "有争议的/免费的/遗失的"
    ),
    "物": _split(
        "合同/照片/病历/信件/报告/账户/密码/日记/发票/作业/药品/简历/录音/房子/遗产/证书/广告/问卷/护照/"
        "捐款/文章/实验数据/保险单/推荐信/统计表/会议记录/食谱/地图"
    ),
    "问": _split(
        "我应该怎么办/这样做对吗/请分析一下并说明理由/谁应该负责/我有权拒绝吗/怎样回答才合适/"
        "法律是怎么规定的/能不能帮我写一封回信/有没有更好的办法/这是否公平/我还能改变主意吗"
    ),
}

CHINESE_PATTERNS = (
    "{何时}{谁}{做}{谁}{的}{物}，还{做}{的}{物}，{问}？",
    "{谁}{做}{的}{物}和{物}，但是{谁}{何时}{做}{的}{物}。{问}？",
    "{何时}{谁}想知道：如果{谁}{做}{的}{物}，{问}？",
)
